//! The last shipped image of pages that change often, so that a page can be shipped as what is different in it.
//!
//! Keeps true: what is remembered is what a restore holds at that place of the log. After `forget` every page is shipped
//! whole the first time, so that a base which is copied while the library works needs nothing from before it.

use std::collections::{HashMap, VecDeque};

/// 32 MiB of pages of 4 KiB: the inner pages of all trees and the leaves at work.
const PAGES_MAX: usize = 8192;

/// See the head of this file.
#[derive(Debug, Default)]
pub struct PageMemory {
    images: HashMap<u32, Image>,
    /// In the order in which they came; one that was used since then gets another round.
    order: VecDeque<u32>,
}

#[derive(Debug)]
struct Image {
    bytes: Box<[u8]>,
    was_used: bool,
}

impl PageMemory {
    pub fn forget(&mut self) {
        self.images.clear();
        self.order.clear();
    }

    /// Appends the page to `out`: whole, or as the difference (exclusive or) from its former image. Says whether it is the
    /// difference.
    pub fn ship(&mut self, page: u32, bytes: &[u8], out: &mut Vec<u8>) -> bool {
        if let Some(image) = self.images.get_mut(&page).filter(|image| image.bytes.len() == bytes.len()) {
            out.extend(image.bytes.iter().zip(bytes).map(|(before, now)| before ^ now));
            image.bytes.copy_from_slice(bytes);
            image.was_used = true;
            return true;
        }
        out.extend_from_slice(bytes);
        self.remember(page, bytes);
        false
    }

    fn remember(&mut self, page: u32, bytes: &[u8]) {
        while self.images.len() >= PAGES_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            match self.images.get_mut(&oldest) {
                Some(image) if image.was_used => {
                    image.was_used = false;
                    self.order.push_back(oldest);
                }
                _ => {
                    self.images.remove(&oldest);
                }
            }
        }
        if self.images.insert(page, Image { bytes: bytes.into(), was_used: false }).is_none() {
            self.order.push_back(page);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_time_a_page_is_shipped_as_its_difference() {
        let mut memory = PageMemory::default();
        let mut out = Vec::new();
        assert!(!memory.ship(1, &[1, 2, 3], &mut out));
        assert!(memory.ship(1, &[1, 0, 3], &mut out));
        assert_eq!(out, [1, 2, 3, 0, 2, 0]);
        memory.forget();
        assert!(!memory.ship(1, &[1, 0, 3], &mut out));
    }

    #[test]
    fn what_is_used_stays_and_the_memory_is_bounded() {
        let mut memory = PageMemory::default();
        let mut out = Vec::new();
        for page in 0..u32::try_from(PAGES_MAX).unwrap() * 3 {
            memory.ship(page, &[1; 8], &mut out);
            memory.ship(0, &[1; 8], &mut out);
        }
        assert!(memory.images.len() <= PAGES_MAX && memory.order.len() <= PAGES_MAX);
        assert!(memory.ship(0, &[2; 8], &mut out));
        assert!(!memory.ship(1, &[2; 8], &mut out));
    }
}
