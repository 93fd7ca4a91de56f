//! The table of a crate: its rooms and their floors.

/// The rooms of one crate.
#[derive(Clone, Copy, Debug)]
pub(crate) struct House {
    /// The folder of its sources, from the workspace's root, with a `/` at the end.
    pub(crate) folder: &'static str,
    /// The file of its root without `.rs`, which is also the name of the root's room.
    pub(crate) root: &'static str,
    /// Modules that only declare rooms and export them again. They have no floor.
    pub(crate) folders_of_rooms: &'static [&'static str],
    /// Each room with its floor. What lies below a room in the tree of modules and is not listed belongs to it.
    pub(crate) floors: &'static [(&'static str, u8)],
}

/// Where a module stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Place {
    Room { name: &'static str, floor: u8 },
    Folder,
    Unknown,
}

impl House {
    /// Returns where a module stands, by its path from the crate's root.
    pub(crate) fn place(&self, module: &[String]) -> Place {
        if module.is_empty() {
            return self.listed(self.root).unwrap_or(Place::Unknown);
        }
        let whole = module.join("::");
        if self.folders_of_rooms.contains(&whole.as_str()) {
            return Place::Folder;
        }
        let mut prefixes = (1..=module.len())
            .rev()
            .filter_map(|length| module.get(..length));
        prefixes
            .find_map(|prefix| self.listed(&prefix.join("::")))
            .unwrap_or(Place::Unknown)
    }

    /// Returns whether a module only hands on what others define: the crate's root and the folders of rooms.
    pub(crate) fn hands_on(&self, module: &[String]) -> bool {
        module.is_empty() || self.place(module) == Place::Folder
    }

    fn listed(&self, room: &str) -> Option<Place> {
        self.floors
            .iter()
            .find(|(name, _)| *name == room)
            .map(|&(name, floor)| Place::Room { name, floor })
    }
}
