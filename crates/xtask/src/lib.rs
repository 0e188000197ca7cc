//! repository checks.
