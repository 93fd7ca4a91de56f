-- What was given where it is not what was asked. See docs/src/store.md.

ALTER TABLE error_events ADD COLUMN given_instead TEXT;
