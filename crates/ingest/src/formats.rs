//! One parser a format. Each takes bytes or text and writes blocks through `Builder`.

pub(crate) mod archive;
mod chart;
pub mod code;
mod compound;
pub mod delimited;
pub mod docx;
pub mod email;
pub mod epub;
pub mod front_matter;
pub mod html;
pub mod json;
pub mod markdown;
pub mod markup;
pub mod notebook;
pub mod odf;
mod office;
pub mod pptx;
mod sheet;
pub mod spreadsheet;
pub mod subtitles;
pub mod text;
mod xml;
