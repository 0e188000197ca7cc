//! The forward pass of BERT over concatenated sequences: no padding, so that a short text costs what it is long.
//!
//! Keeps true: a sequence's result is the same in every batch.

use ibid_types::Result;

use super::attention::{self, Heads};
use super::linear::{self, Activation, Linear};
use super::math;
use super::tile::Isa;
use super::weights::{Config, Tensors};

/// A loaded encoder.
#[derive(Debug)]
pub struct Encoder {
    isa: Isa,
    config: Config,
    words: Vec<f32>,
    positions: Vec<f32>,
    norm: Norm,
    layers: Vec<Layer>,
}

/// Tokens of one sequence, its frame included.
#[derive(Clone, Copy, Debug)]
pub struct Sequence<'a> {
    pub tokens: &'a [u32],
}

#[derive(Debug)]
struct Norm {
    weight: Vec<f32>,
    bias: Vec<f32>,
    epsilon: f32,
}

#[derive(Debug)]
struct Layer {
    qkv: Linear,
    attended: Linear,
    attended_norm: Norm,
    widen: Linear,
    narrow: Linear,
    narrow_norm: Norm,
}

/// Buffers of one forward pass, kept between calls.
#[derive(Debug, Default)]
pub struct Scratch {
    linear: linear::Scratch,
    attention: attention::Scratch,
    hidden: Vec<f32>,
    qkv: Vec<f32>,
    context: Vec<f32>,
    wide: Vec<f32>,
    update: Vec<f32>,
}

impl Scratch {
    /// The last hidden states: one row a token, sequences one after another.
    #[must_use]
    pub fn hidden(&self) -> &[f32] {
        &self.hidden
    }
}

impl Encoder {
    pub fn load(config: Config, tensors: &mut Tensors, isa: Isa) -> Result<Self> {
        let hidden = config.hidden_size;
        let mut layers = Vec::new();
        for index in 0..config.num_hidden_layers {
            layers.push(Layer::load(&config, tensors, isa, &format!("encoder.layer.{index}"))?);
        }
        Ok(Self {
            isa,
            words: tensors.encoder("embeddings.word_embeddings.weight", &[config.vocab_size, hidden])?,
            positions: positions(&config, tensors)?,
            norm: Norm::load(&config, tensors, "embeddings.LayerNorm")?,
            layers,
            config,
        })
    }

    #[must_use]
    pub const fn config(&self) -> &Config {
        &self.config
    }

    #[must_use]
    pub const fn isa(&self) -> Isa {
        self.isa
    }

    /// Runs the sequences; their last hidden states are in the scratch afterwards. Tokens beyond the vocabulary
    /// and positions beyond the model's count as the first ones.
    pub fn run(&self, sequences: &[Sequence<'_>], scratch: &mut Scratch) {
        self.look_up(sequences, &mut scratch.hidden);
        self.norm.apply(self.isa, &mut scratch.hidden);
        for layer in &self.layers {
            self.attend(layer, sequences, scratch);
            self.feed_forward(layer, scratch);
        }
    }

    fn look_up(&self, sequences: &[Sequence<'_>], hidden: &mut Vec<f32>) {
        let width = self.config.hidden_size;
        hidden.clear();
        for sequence in sequences {
            for (position, &token) in sequence.tokens.iter().enumerate() {
                let word = row(&self.words, token as usize, width).iter();
                let place = row(&self.positions, position, width);
                hidden.extend(word.zip(place).map(|(word, place)| word + place));
            }
        }
    }

    fn attend(&self, layer: &Layer, sequences: &[Sequence<'_>], scratch: &mut Scratch) {
        let hidden = self.config.hidden_size;
        let heads =
            Heads { count: self.config.num_attention_heads, width: hidden / self.config.num_attention_heads };
        layer.qkv.apply(
            self.isa,
            &scratch.hidden,
            Activation::Identity,
            &mut scratch.linear,
            &mut scratch.qkv,
        );
        scratch.context.resize(scratch.hidden.len(), 0.0);
        let mut first = 0;
        for sequence in sequences {
            let end = first + sequence.tokens.len();
            let qkv = &scratch.qkv[first * 3 * hidden..end * 3 * hidden];
            let context = &mut scratch.context[first * hidden..end * hidden];
            attention::attend(self.isa, heads, qkv, context, &mut scratch.attention);
            first = end;
        }
        layer.attended.apply(
            self.isa,
            &scratch.context,
            Activation::Identity,
            &mut scratch.linear,
            &mut scratch.update,
        );
        layer.attended_norm.add_and_apply(self.isa, &mut scratch.hidden, &scratch.update);
    }

    fn feed_forward(&self, layer: &Layer, scratch: &mut Scratch) {
        layer.widen.apply(
            self.isa,
            &scratch.hidden,
            Activation::Gelu,
            &mut scratch.linear,
            &mut scratch.wide,
        );
        layer.narrow.apply(
            self.isa,
            &scratch.wide,
            Activation::Identity,
            &mut scratch.linear,
            &mut scratch.update,
        );
        layer.narrow_norm.add_and_apply(self.isa, &mut scratch.hidden, &scratch.update);
    }
}

fn row(table: &[f32], index: usize, width: usize) -> &[f32] {
    table.get(index * width..(index + 1) * width).unwrap_or(&table[..width])
}

/// Position embeddings with that of the first segment, the only one there is, added.
fn positions(config: &Config, tensors: &mut Tensors) -> Result<Vec<f32>> {
    let (count, hidden) = (config.max_position_embeddings, config.hidden_size);
    let mut positions = tensors.encoder("embeddings.position_embeddings.weight", &[count, hidden])?;
    let kinds = tensors.encoder("embeddings.token_type_embeddings.weight", &[2, hidden])?;
    for row in positions.chunks_exact_mut(hidden) {
        row.iter_mut().zip(&kinds).for_each(|(position, kind)| *position += kind);
    }
    Ok(positions)
}

impl Layer {
    fn load(config: &Config, tensors: &mut Tensors, isa: Isa, at: &str) -> Result<Self> {
        let (hidden, wide) = (config.hidden_size, config.intermediate_size);
        let mut linear = |name: &str, inputs, outputs| -> Result<Linear> {
            let weight = tensors.encoder(&format!("{at}.{name}.weight"), &[outputs, inputs])?;
            let bias = tensors.encoder(&format!("{at}.{name}.bias"), &[outputs])?;
            Ok(Linear::pack(&weight, &bias, isa))
        };
        let attended = linear("attention.output.dense", hidden, hidden)?;
        let widen = linear("intermediate.dense", hidden, wide)?;
        let narrow = linear("output.dense", wide, hidden)?;
        Ok(Self {
            qkv: load_qkv(config, tensors, isa, at)?,
            attended,
            attended_norm: Norm::load(config, tensors, &format!("{at}.attention.output.LayerNorm"))?,
            widen,
            narrow,
            narrow_norm: Norm::load(config, tensors, &format!("{at}.output.LayerNorm"))?,
        })
    }
}

/// Queries, keys and values as one layer; queries carry the `1 / sqrt(head width)` of the attention.
fn load_qkv(config: &Config, tensors: &mut Tensors, isa: Isa, at: &str) -> Result<Linear> {
    let hidden = config.hidden_size;
    let scale = 1.0 / ((hidden / config.num_attention_heads) as f32).sqrt();
    let (mut weights, mut biases) = (Vec::new(), Vec::new());
    for (name, scale) in [("query", scale), ("key", 1.0), ("value", 1.0)] {
        let weight = tensors.encoder(&format!("{at}.attention.self.{name}.weight"), &[hidden, hidden])?;
        let bias = tensors.encoder(&format!("{at}.attention.self.{name}.bias"), &[hidden])?;
        weights.extend(weight.iter().map(|x| x * scale));
        biases.extend(bias.iter().map(|x| x * scale));
    }
    Ok(Linear::pack(&weights, &biases, isa))
}

impl Norm {
    fn load(config: &Config, tensors: &mut Tensors, at: &str) -> Result<Self> {
        Ok(Self {
            weight: tensors.encoder(&format!("{at}.weight"), &[config.hidden_size])?,
            bias: tensors.encoder(&format!("{at}.bias"), &[config.hidden_size])?,
            epsilon: config.layer_norm_eps,
        })
    }

    fn apply(&self, isa: Isa, rows: &mut [f32]) {
        math::normalise_rows(isa, rows, None, &self.weight, &self.bias, self.epsilon);
    }

    fn add_and_apply(&self, isa: Isa, rows: &mut [f32], update: &[f32]) {
        math::normalise_rows(isa, rows, Some(update), &self.weight, &self.bias, self.epsilon);
    }
}
