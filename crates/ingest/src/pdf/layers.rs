//! Which optional content is switched off as the file opens (ISO 32000-1, 8.11).

use std::collections::HashSet;

use hayro_font::hayro_syntax::object::dict::keys::{BASE_STATE, D, OCGS, OCPROPERTIES, OFF, ON, TYPE};
use hayro_font::hayro_syntax::object::{Array, Dict, Name, ObjRef};

#[derive(Debug, Default)]
pub struct Layers {
    hidden: HashSet<(u32, i32)>,
}

impl Layers {
    pub fn new(catalog: &Dict<'_>) -> Self {
        let Some(properties) = catalog.get::<Dict<'_>>(OCPROPERTIES) else {
            return Self::default();
        };
        let setting = properties.get::<Dict<'_>>(D).unwrap_or_default();
        let mut hidden = HashSet::new();
        if setting.get::<Name<'_>>(BASE_STATE).is_some_and(|state| state.as_str() == "OFF") {
            hidden.extend(references(&properties, OCGS));
        }
        for shown in references(&setting, ON) {
            hidden.remove(&shown);
        }
        hidden.extend(references(&setting, OFF));
        Self { hidden }
    }

    /// Whether what carries `key` in `owner` is not shown: a layer that is off, or a group of which all are off.
    pub fn hides(&self, owner: &Dict<'_>, key: &[u8]) -> bool {
        if self.hidden.is_empty() {
            return false;
        }
        let is_off = owner.get_ref(key).is_some_and(|layer| self.hidden.contains(&id(layer)));
        is_off || owner.get::<Dict<'_>>(key).is_some_and(|group| self.hides_group(&group))
    }

    fn hides_group(&self, group: &Dict<'_>) -> bool {
        if group.get::<Name<'_>>(TYPE).is_none_or(|name| name.as_str() != "OCMD") {
            return false;
        }
        let mut members = references(group, OCGS);
        members.extend(group.get_ref(OCGS).map(id));
        !members.is_empty() && members.iter().all(|member| self.hidden.contains(member))
    }
}

fn references(dict: &Dict<'_>, key: &[u8]) -> Vec<(u32, i32)> {
    let array = dict.get::<Array<'_>>(key).unwrap_or_default();
    array.raw_iter().filter_map(|item| item.as_obj_ref()).map(id).collect()
}

const fn id(reference: ObjRef) -> (u32, i32) {
    (reference.obj_number, reference.gen_number)
}
