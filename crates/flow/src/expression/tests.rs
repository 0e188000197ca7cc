//! What expressions can and cannot do.

use serde_json::json;

use super::*;

fn state() -> Map<String, Value> {
    let Value::Object(state) = json!({
        "question": "why?", "hits": [{"text": "a", "score": 2}, {"text": "b", "score": 1}], "count": 3,
        "none": null, "big": 18_446_744_073_709_551_615_u64, "ratio": 0.5, "empty": [],
    }) else {
        panic!("not an object");
    };
    state
}

fn value(text: &str) -> Value {
    expression(text, &Scope::new(&state())).unwrap()
}

fn holds(text: &str) -> bool {
    condition(text, &Scope::new(&state())).unwrap()
}

fn text(template: &str) -> Value {
    render(&json!(template), &Scope::new(&state())).unwrap()
}

fn code(text: &str) -> &'static str {
    expression(text, &Scope::new(&state())).unwrap_err().code
}

#[test]
fn conditions_hold_or_do_not() {
    assert!(holds("hits | length == 2 and question is endingwith '?'"));
    assert!(!holds("count > 3 or not hits"));
    assert!(holds("'a' in hits | map(attribute='text') | list"));
    assert!(!holds("empty") && !holds("none") && holds("ratio"));
}

#[test]
fn values_keep_their_types() {
    assert_eq!(value("count + 1"), json!(4));
    assert_eq!(value("count / 2"), json!(1.5));
    assert_eq!(value("big"), json!(18_446_744_073_709_551_615_u64));
    assert_eq!(value("{'a': [none, hits[0]]}"), json!({"a": [null, {"text": "a", "score": 2}]}));
    assert_eq!(value("hits | sort(attribute='score') | map(attribute='text')"), json!(["b", "a"]));
}

#[test]
fn a_path_gives_what_stands_at_its_end() {
    assert_eq!(text("{{ hits }}"), state()["hits"]);
    let nested = json!({"hits": {"first": {"text": "a"}}, "true": 1});
    let scope = |expression: &str| super::expression(expression, &Scope::new(nested.as_object().unwrap()));
    assert_eq!(scope(" hits.first ").unwrap(), json!({"text": "a"}));
    assert_eq!(scope("true").unwrap(), json!(true));
    assert_eq!(scope("hits.second").unwrap_err().code, "flow_expression_failed");
    assert_eq!(scope("nothing").unwrap_err().code, "flow_expression_failed");
}

#[test]
fn a_text_that_is_one_expression_gives_its_value() {
    assert_eq!(text("{{ hits | length }}"), json!(2));
    assert_eq!(text(" {{ {'a': {'b': 1}} }}\n"), json!({"a": {"b": 1}}));
    assert_eq!(text("{{ count }}{{ count }}"), json!("33"));
}

#[test]
fn other_texts_are_rendered() {
    assert_eq!(text("no braces { here }"), json!("no braces { here }"));
    assert_eq!(text("Q: {{ question }}\n"), json!("Q: why?\n"));
    assert_eq!(
        text("{% for hit in hits %}[{{ loop.index }}] {{ hit.text }} {% endfor %}"),
        json!("[1] a [2] b ")
    );
    assert_eq!(text("{{ none }}-{{ hits[0] }}"), json!(r#"-{"score":2,"text":"a"}"#));
}

#[test]
fn templates_are_filled_at_every_depth() {
    let template = json!({"a": ["{{ count }}", {"b": "{{ question }}!"}], "c": 5});
    let filled = render(&template, &Scope::new(&state())).unwrap();
    assert_eq!(filled, json!({"a": [3, {"b": "why?!"}], "c": 5}));
}

#[test]
fn one_more_name_hides_a_channel() {
    let (state, output) = (state(), json!({"score": 9}));
    let scope = Scope::new(&state).with("count", &output);
    assert_eq!(expression("count.score + hits[0].score", &scope).unwrap(), json!(11));
}

#[test]
fn what_is_not_there_is_an_error() {
    assert_eq!(code("missing"), "flow_expression_failed");
    assert_eq!(code("[hits[0].missing]"), "flow_expression_failed");
    assert_eq!(code("missing > 1"), "flow_expression_failed");
    assert!(condition("missing", &Scope::new(&state())).is_err());
    assert!(render(&json!("a {{ missing }}"), &Scope::new(&state())).is_err());
    assert_eq!(value("missing | default(7)"), json!(7));
    assert!(!holds("hits[0].missing is defined"));
}

#[test]
fn malformed_expressions_say_where() {
    assert_eq!(check("count +").unwrap_err().offset, 6);
    assert_eq!(check("a | nope").unwrap_err().offset, 4);
    assert_eq!(check("a is nope").unwrap_err().offset, 5);
    assert_eq!(check("a is not nope").unwrap_err().offset, 9);
    assert_eq!(check_text("ab {{ c | nope }}").unwrap_err().offset, 10);
    assert_eq!(check_text("ab {{ c ").unwrap_err().offset, 6);
    assert_eq!(code("count +"), "flow_expression_malformed");
}

#[test]
fn statements_that_could_build_without_bound_are_refused() {
    assert!(check_text("{% set a = 1 %}").unwrap_err().message.contains("no statement 'set'"));
    assert!(check_text("{% macro a() %}{% endmacro %}").is_err());
    assert!(check_text("{%- for a in b recursive %}{% endfor %}").is_err());
    assert!(check_text("{% include 'etc' %}").is_err());
    assert!(check_text("{%- if a -%}{% else %}{% endif %}").is_ok());
}

#[test]
fn names_are_those_of_the_scope() {
    let names = |text: &str| check(text).unwrap().into_iter().collect::<Vec<_>>();
    assert_eq!(names("a.b + c | default(d) + range(3)|length"), ["a", "c", "d"]);
    let text = check_text("{% for x in xs %}{{ x }}{{ loop.index }}{{ y }}{% endfor %}").unwrap();
    assert_eq!(text.into_iter().collect::<Vec<_>>(), ["xs", "y"]);
}

#[test]
fn time_and_size_are_bounded() {
    let scope = state();
    let scope = Scope::new(&scope);
    let loops = "{% for a in range(9999) %}{% for b in range(9999) %}{{ a }}{% endfor %}{% endfor %}";
    assert!(render(&json!(loops), &scope).is_err());
    assert!(expression("[0] * 90000000 | list", &scope).is_err());
    assert!(expression("[0] * 90000000", &scope).is_err());
    assert!(
        expression("'aaaaaaaaaa' | replace('a', 'a' * 1000) | replace('a', 'a' * 1000)", &scope).is_err()
    );
    assert!(expression("range(99999) | join('x' * 1000)", &scope).is_err());
    assert!(render(&json!("{{ 'a' * 9000000 }}!"), &scope).is_err());
    assert!(check(&"(".repeat(9999)).is_err() && check(&"-".repeat(9999)).is_err());
    assert!(check(&format!("1{}", " + 1".repeat(20_000))).is_err());
}
