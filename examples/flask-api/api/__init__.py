"""The endpoints, one module for each source or group of sources."""
