//! Arguments about addresses that are not answered.

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub enum Limits {
    /// Lists the addresses that are blocked now
    List,
    /// Answers an address or a network no more
    Block {
        /// 192.0.2.7, 10.0.0.0/8 or fd00::/8
        network: String,
        /// For how long, such as 30m, 12h or 7d [default: until it is allowed again]
        #[arg(long = "for", value_name = "TIME")]
        time: Option<String>,
        /// What those who come from there are told
        #[arg(long, default_value = "", hide_default_value = true)]
        reason: String,
    },
    /// Answers a blocked address or network again
    Allow { network: String },
}
