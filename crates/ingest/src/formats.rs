//! One parser a format. Each takes bytes or text and writes blocks through `Builder`.

pub(crate) mod archive;
pub mod code;
pub mod delimited;
pub mod docx;
pub mod email;
pub mod front_matter;
pub mod html;
pub mod json;
pub mod markdown;
mod office;
pub mod pptx;
pub mod text;
mod xml;
