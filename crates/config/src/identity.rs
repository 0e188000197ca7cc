//! How people sign in: second factors, and a provider that signs them in.

use ibid_types::Secret;
use ibid_types::access::Role;
use serde::Deserialize;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// `exposed`, `optional` or `required`.
    pub second_factor: String,
    /// For whom keys get tokens, beside this server.
    pub token_audiences: Vec<String>,
    pub provider: SignInProvider,
}

/// An OpenID Connect provider.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignInProvider {
    /// Empty: there is none.
    pub issuer: String,
    /// What the button says.
    pub name: String,
    pub client_id: String,
    pub client_secret: Secret,
    pub scopes: Vec<String>,
    /// Of accounts that are made for whoever has none; empty: nobody gets one.
    pub role: String,
    /// Where they have it; empty: everywhere.
    pub workspace: String,
    pub link_by_email: bool,
    /// Our groups of which the provider says who is in them.
    pub groups: Vec<String>,
    /// What the provider says, under `acr` or `amr`, where it asked for two factors.
    pub second_factor_by: Vec<String>,
}

impl Identity {
    pub(crate) fn problems(&self, must: &mut dyn FnMut(bool, &str, &str)) {
        let is_known = ["exposed", "optional", "required"].contains(&self.second_factor.as_str());
        must(is_known, "identity.second_factor", "\"exposed\", \"optional\" or \"required\"");
        let provider = &self.provider;
        if provider.issuer.is_empty() {
            return;
        }
        must(
            !provider.client_id.is_empty(),
            "identity.provider.client_id",
            "what the provider calls this server",
        );
        let roles = "a role: owner, admin, editor, reader, operator or auditor; or nothing";
        let is_role = provider.role.is_empty() || provider.role.parse::<Role>().is_ok();
        must(is_role, "identity.provider.role", roles);
    }
}
