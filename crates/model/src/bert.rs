//! BERT encoders on the processor: our own forward pass, because the embedder bounds the whole product's ingest.

pub mod attention;
pub mod encoder;
pub mod linear;
pub mod math;
pub mod tile;
pub mod weights;

pub use encoder::{Encoder, Scratch, Sequence};
pub use tile::Isa;
