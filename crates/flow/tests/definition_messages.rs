//! What a newcomer is told about a wrong flow file.
//!
//! Keeps true: every problem names its line and column, and says what to do.
#![allow(clippy::unwrap_used)]

mod definition_support;

use definition_support::{is_known, kinds};
use expect_test::{Expect, expect};
use ibid_flow::definition::read;

fn check(source: &str, told: &Expect) {
    let problems = read(source, &kinds(), &is_known).problems;
    let lines: Vec<_> = problems.iter().map(ToString::to_string).collect();
    told.assert_eq(&lines.join("\n"));
}

#[test]
fn an_empty_file() {
    let source = "";
    check(source, &expect!["1:1: error: the file is empty; a flow begins with `name:` and has `nodes:`"]);
}

#[test]
fn not_a_map() {
    let source = "- look
- reply";
    check(source, &expect!["1:1: error: this must be a map with `name`, `nodes` and more; it is a list"]);
}

#[test]
fn nothing_but_a_name() {
    let source = "name: a";
    check(
        source,
        &expect![
            "1:1: error: `nodes` is missing; a flow has at least one node: `nodes: {first: {kind: set, with: {...}}}`"
        ],
    );
}

#[test]
fn indented_with_tabs() {
    let source = "name: a\nnodes:\n\tb: {kind: set}";
    check(
        source,
        &expect![
            "3:2: error: this is not YAML: tabs disallowed within this context (block indentation); indent with spaces, not with tabs"
        ],
    );
}

#[test]
fn an_unquoted_template() {
    let source = "name: a
input: {question: text}
nodes:
  look:
    kind: retrieve
    with: {query: {{ question }}}";
    check(
        source,
        &expect![[
            r#"6:20: error: a key must be a word; if this is a template, put it in quotes: "{{ name }}""#
        ]],
    );
}

#[test]
fn an_unquoted_colon() {
    let source = "name: a
description: what it does: everything
nodes: {}";
    check(
        source,
        &expect![
            "2:26: error: this is not YAML: mapping values are not allowed in this context; put a text that holds `: ` in quotes"
        ],
    );
}

#[test]
fn misspelt_keys() {
    let source = "name: a
discription: x
nodes:
  look:
    kind: retrieve
    wiht: {query: x}
    nxt: reply
    retry: {atempts: 3}";
    check(
        source,
        &expect![[r#"
        2:1: error: discription: there is no key `discription` here; did you mean `description`?
        6:5: error: nodes.look.wiht: there is no key `wiht` here; did you mean `with`?
        7:5: error: nodes.look.nxt: there is no key `nxt` here; did you mean `next`?
        8:13: error: nodes.look.retry.atempts: there is no key `atempts` here; did you mean `attempts`?"#]],
    );
}

#[test]
fn wrong_names() {
    let source = "name: My Flow
state: {Hits: list, item: text, question?: text}
nodes:
  end: {kind: wait, with: {seconds: 1}}
  Two Words: {kind: wait, with: {seconds: 1}}";
    check(
        source,
        &expect![[r#"
        1:7: error: name: `My Flow` is no name for a flow; use small letters, digits and `-`, beginning with a letter, at most 64
        2:9: error: state.Hits: `Hits` is no name for a channel; use small letters, digits and `_`, beginning with a letter, at most 64
        2:21: error: state.item: no channel can be named `item`: the word has a meaning in expressions; choose another
        2:33: error: state.question?: the question mark belongs behind the type: `question: text?`
        4:3: error: nodes.end: no node can be named `end`: the word has a meaning of its own; choose another
        5:3: error: nodes.Two Words: `Two Words` is no name for a node; use small letters, digits, `-` and `_`, beginning with a letter, at most 64
        5:3: error: nodes.Two Words: no edge leads to this node; name it in a `next`, or take it out"#]],
    );
}

#[test]
fn unknown_targets() {
    let source = "name: a
start: lok
nodes:
  look:
    kind: retrieve
    with: {query: x}
    on_error: sory
    next: [{if: true, to: repli}, end]
  sorry: {kind: wait, with: {seconds: 1}}
  reply: {kind: human, with: {prompt: x, expires_seconds: 5, on_expiry: nobody}}";
    check(
        source,
        &expect![[r#"
        2:8: error: start: there is no node `lok`; did you mean `look`?
        7:15: error: nodes.look.on_error: there is no node `sory`; did you mean `sorry`?
        8:27: error: nodes.look.next[0].to: there is no node `repli`; did you mean `reply`?
        10:73: error: nodes.reply.with.on_expiry: there is no node `nobody`; there is `look`, `reply`, `sorry`"#]],
    );
}

#[test]
fn unknown_channels() {
    let source = r#"name: a
state: {hits: list, answer: text}
nodes:
  look:
    kind: retrieve
    with: {query: "about {{ qestion }}"}
    into: hit
    next: [{if: "hits | length > 0 and anwser", to: more}]
  more:
    kind: set
    with: {anser: "{{ output.x }}"}"#;
    check(
        source,
        &expect![[r#"
        6:29: error: nodes.look.with.query: there is no channel `qestion`; declare it under `input` or `state`, or put it in quotes if it is a text: 'qestion'
        7:11: error: nodes.look.into: there is no channel `hit`; did you mean `hits`?
        8:40: error: nodes.look.next[0].if: there is no channel `anwser`; did you mean `answer`?
        11:12: error: nodes.more.with.anser: there is no channel `anser`; did you mean `answer`?
        11:23: error: nodes.more.with.anser: only `into` and `compensate` know `output`; use the channel that the output went into"#]],
    );
}

#[test]
fn broken_expressions() {
    let source = r#"name: a
state: {hits: list, n: integer}
nodes:
  look:
    kind: set
    with: {n: "{{ hits | lenght }}"}
    next:
      - {if: "n = 3", to: end}
      - {if: "{{ n }}", to: end}
      - {if: "n >", to: end}
      - {if: "(n", to: end}"#;
    check(
        source,
        &expect![[r#"
        6:26: error: nodes.look.with.n: this expression cannot be read: there is no filter 'lenght'; there are abs, batch, bool, capitalize, count, default, dictsort, first, float, groupby, int, items, join, last, length, lines, list, lower, map, max, min, reject, rejectattr, replace, reverse, round, select, selectattr, sort, split, string, sum, title, tojson, trim, unique, upper, attr, d
        8:17: error: nodes.look.next[0].if: this expression cannot be read: unexpected input after expression; compare with `==`
        9:14: error: nodes.look.next[1].if: this is an expression already; write it without braces: `n`
        10:17: error: nodes.look.next[2].if: this expression cannot be read: unexpected end of input, expected expression
        11:16: error: nodes.look.next[3].if: this expression cannot be read: unexpected end of input, expected `)`"#]],
    );
}

#[test]
fn unreachable_nodes() {
    let source = "name: a
nodes:
  look: {kind: wait, with: {seconds: 1}, next: reply}
  forgotten: {kind: wait, with: {seconds: 1}, next: reply}
  reply: {kind: wait, with: {seconds: 1}}";
    check(
        source,
        &expect![
            "4:3: error: nodes.forgotten: no edge leads to this node; name it in a `next`, or take it out"
        ],
    );
}

#[test]
fn a_loop_without_a_way_out() {
    let source = "name: a
nodes:
  look: {kind: wait, with: {seconds: 1}, next: again}
  again: {kind: wait, with: {seconds: 1}, next: look, into: x}";
    check(
        source,
        &expect![[r#"
        3:3: warning: nodes.look: from here no path comes to an end: `look`, `again` only lead to each other, until `limits.visits` fails the run; add an edge with `if` that leads out, or to `end`
        4:55: error: nodes.again.into: `into` means nothing for the kind `wait`; take it out, or choose a kind that has it
        4:61: error: nodes.again.into: there is no channel `x`; declare it under `state`: `x: any`"#]],
    );
}

#[test]
fn wrong_types() {
    let source = "name: 5
input: [question]
state: {n: {type: integer, default: many}, l: {type: list, reducer: add}, s: string, z: {default: 1}, m: {type: list, reducer: concat}}
tools: calculator
limits: {steps: many, seconds: 0.5, money: -1, visits: 0}
nodes:
  look: {kind: set, with: [1], next: 7}
  ask: {kind: retrieve, limits: {tokens: 0, money: free, steps: 1}}
  both: {kind: set}";
    check(
        source,
        &expect![[r#"
        1:7: error: name: this must be text, the name of the flow; it is 5
        2:8: error: input: this must be a map from names to types: `{question: text}`; it is a list
        3:37: error: state.n.default: this must be a default of the type `integer`; it is the text `many`
        3:69: error: state.l.reducer: `add` is for numbers and integers; this channel is of the type `list`
        3:78: error: state.s: there is no type `string`; it is called `text` here
        3:86: error: state.z: `type` is missing; say what the channel holds: `type: text`
        3:128: error: state.m.reducer: there is no reducer `concat`; there is `add`, `append`, `max`, `merge`, `min`, `set`
        4:8: error: tools: this must be a list of tools: `[calculator, http_get]`; it is the text `calculator`
        5:17: error: limits.steps: this must be a whole number from 1 to 1000000; it is the text `many`
        5:44: error: limits.money: this must be a number from 0 to 1000000000; it is -1
        5:56: error: limits.visits: this must be a whole number from 1 to 1000000; it is 0
        7:27: error: nodes.look.with: this must be a map from channels to values; it is a list
        7:38: error: nodes.look.next: this must be the name of a node; it is 7
        8:3: error: nodes.ask: `query` is missing; add it under `with`
        8:42: error: nodes.ask.limits.tokens: this must be a whole number from 1 to 1000000000000; it is 0
        8:52: error: nodes.ask.limits.money: this must be a number from 0 to 1000000000; it is the text `free`
        8:58: error: nodes.ask.limits.steps: there is no key `steps` here; there is `money`, `tokens`
        9:3: error: nodes.both: `with` is missing; name the channels to write: `with: {total: "{{ a + b }}"}`, or where to go: `next`"#]],
    );
}

#[test]
fn wrong_parameters() {
    let source = r#"name: a
state: {n: integer}
nodes:
  look:
    kind: retrieve
    with: {limit: "8", mode: lexicl, filters: {}, filter: {tags: [1]}}
    next: more
  more:
    kind: retrieve
    with: {query: "", limit: 900}
    next: ok
  ok:
    kind: retrieve
    with: {query: "{{ n }}", limit: "{{ n }}", mode: "{{ n }}"}
    next: text
  text:
    kind: retrieve
    with: {query: x, limit: "{{ n }} passages"}
    next: bare
  bare: {kind: retrieve}"#;
    check(
        source,
        &expect![[r#"
        6:5: error: nodes.look.with: `query` is missing; add it under `with`
        6:19: error: nodes.look.with.limit: this must be a whole number; it is the text `8`
        6:30: error: nodes.look.with.mode: the text `lexicl` is not possible here; did you mean `lexical`?
        6:38: error: nodes.look.with.filters: there is no parameter `filters`; did you mean `filter`?
        6:67: error: nodes.look.with.filter.tags[0]: this must be text; it is 1
        10:19: error: nodes.more.with.query: this text is empty; write something
        10:30: error: nodes.more.with.limit: this must be at most 100; it is 900
        18:29: error: nodes.text.with.limit: this must be a whole number; it is the text `{{ n }} passages`
        20:3: error: nodes.bare: `query` is missing; add it under `with`"#]],
    );
}

#[test]
fn a_node_named_twice() {
    let source = "name: a
nodes:
  look: {kind: wait, with: {seconds: 1}}
  look: {kind: wait, with: {seconds: 2}}";
    check(
        source,
        &expect!["4:3: error: nodes.look: `look` is here twice, first in line 3; take one out or rename it"],
    );
}

#[test]
fn bad_durations() {
    let source = "name: a
limits: {seconds: 2 min}
nodes:
  look:
    kind: retrieve
    with: {query: x}
    timeout_seconds: 20s
    retry: {first_seconds: soon, most_seconds: 1h, factor: 0.1, attempts: 0}
    next: nap
  nap: {kind: wait, with: {seconds: -1}}";
    check(
        source,
        &expect![[r#"
        2:19: error: limits.seconds: times are plain numbers of seconds; write 120
        7:22: error: nodes.look.timeout_seconds: times are plain numbers of seconds; write 20
        8:28: error: nodes.look.retry.first_seconds: this must be a number from 0 to 31536000; it is the text `soon`
        8:48: error: nodes.look.retry.most_seconds: times are plain numbers of seconds; write 3600
        8:60: error: nodes.look.retry.factor: this must be a number from 1 to 100; it is 0.1
        8:75: error: nodes.look.retry.attempts: this must be a whole number from 1 to 100; it is 0
        10:37: error: nodes.nap.with.seconds: this must be a number from 0 to 31536000; it is -1"#]],
    );
}

#[test]
fn side_effects_without_a_word() {
    let source = "name: a
nodes:
  send: {kind: mail, with: {to: x}, next: again}
  again: {kind: mail, with: {to: x}, on_interrupt: compensate, next: third}
  third: {kind: mail, with: {to: x}, on_interrupt: explode, compensate: {kind: set, with: {}}}";
    check(
        source,
        &expect![[r#"
        3:16: error: nodes.send.kind: doing this twice may differ from doing it once, so say what happens if a crash interrupts it: `on_interrupt: retry`, `compensate` or `fail`
        4:52: error: nodes.again.on_interrupt: nothing says how to undo this node; add `compensate: {kind: ..., with: ...}`
        5:52: error: nodes.third.on_interrupt: this must be `retry`, `compensate` or `fail`; it is the text `explode`
        5:80: error: nodes.third.compensate.kind: there is no kind `set` that can undo something; there is `mail`, `retrieve`, `tool`"#]],
    );
}

#[test]
fn maps_over_nothing() {
    let source = "name: a
state: {l: list}
nodes:
  each: {kind: map, over: [], as: x, flow: answer-one, next: other}
  other: {kind: map, over: l, as: x, flow: answer-one, into: {}, concurrency: 1000, next: third}
  third: {kind: map, with: 5}";
    check(
        source,
        &expect![[r#"
        4:27: error: nodes.each.over: this list is empty, so the node would do nothing; name at least one item
        5:28: error: nodes.other.over: this must be a list, or a template that gives one: "{{ questions }}"; it is the text `l`
        5:62: error: nodes.other.into: this map is empty, so the output is dropped; name a channel, or take `into` out
        5:79: error: nodes.other.concurrency: this must be a whole number from 1 to 64; it is 1000
        6:3: error: nodes.third: `over` is missing; say which list to go over: `over: "{{ questions }}"`
        6:3: error: nodes.third: `as` is missing; say which input of the flow gets the item: `as: question`
        6:3: error: nodes.third: `flow` is missing; name the flow to run: `flow: answer-one`
        6:28: error: nodes.third.with: this must be a map from inputs of the flow to values; it is 5"#]],
    );
}

#[test]
fn sub_flows() {
    let source = "name: a
nodes:
  one: {kind: flow, flow: nobody, next: two}
  two: {kind: flow, flow: a}";
    check(
        source,
        &expect![[r#"
        3:27: error: nodes.one.flow: there is no flow `nobody`; add a file for it beside this one, or correct the name
        4:27: error: nodes.two.flow: a flow cannot run itself; use `next` to go back to a node, or another flow"#]],
    );
}

#[test]
fn unknown_kinds() {
    let source = "name: a
nodes:
  one: {kind: retreive, with: {query: x}, next: two}
  two: {with: {x: 1}, next: three}
  three: {kind: python, next: four}
  four:";
    check(
        source,
        &expect![[r#"
        3:15: error: nodes.one.kind: there is no kind `retreive`; did you mean `retrieve`?
        4:3: error: nodes.two: `kind` is missing; say what the node does: `kind: set`
        5:17: error: nodes.three.kind: there is no kind `python`; there is `flow`, `human`, `mail`, `map`, `retrieve`, `set`, `tool`, `wait`
        6:7: error: nodes.four: this must be a map that begins with `kind`; it is empty"#]],
    );
}

#[test]
fn keys_of_other_kinds() {
    let source = "name: a
state: {x: any}
nodes:
  one: {kind: set, with: {x: 1}, retry: {attempts: 2}, into: x, next: two}
  two: {kind: wait, with: {seconds: 1, minutes: 2}, on_error: one}";
    check(
        source,
        &expect![[r#"
        4:34: error: nodes.one.retry: `retry` means nothing for the kind `set`; take it out, or choose a kind that has it
        4:56: error: nodes.one.into: `into` means nothing for the kind `set`; take it out, or choose a kind that has it
        5:40: error: nodes.two.with.minutes: there is no key `minutes` here; there is `seconds`
        5:53: error: nodes.two.on_error: `on_error` means nothing for the kind `wait`; take it out, or choose a kind that has it"#]],
    );
}

#[test]
fn edges() {
    let source = "name: a
nodes:
  one: {kind: wait, with: {seconds: 1}, next: [two, {if: false, to: three}]}
  two: {kind: wait, with: {seconds: 1}, next: []}
  three: {kind: wait, with: {seconds: 1}, next: {all: [two, two]}}
  four: {kind: wait, with: {seconds: 1}, next: {if: true}}";
    check(
        source,
        &expect![[r#"
        3:53: error: nodes.one.next[1]: this is never reached: an edge before it has no `if`; put that one last
        4:47: error: nodes.two.next: this list is empty; take `next` out to end the path here
        5:61: error: nodes.three.next.all[1]: `two` is in this list twice; take one out
        6:42: error: nodes.four.next: `to` is missing; say where the edge leads: `{if: condition, to: node}`; `end` ends the path"#]],
    );
}

#[test]
fn tools() {
    let source = r#"name: a
tools: [calculator, calculater, "files.*"]
nodes:
  one: {kind: tool, with: {tool: files.read, input: {}}, next: two}
  two: {kind: tool, with: {tool: http_get, input: 5}, next: three}
  three: {kind: tool, with: {tool: calculator, allow: [mail]}}"#;
    check(
        source,
        &expect![[r#"
        2:21: error: tools[1]: there is no tool 'calculater'; did you mean 'calculator'?
        5:34: error: nodes.two.with.tool: this flow may not call `http_get`; add it to the list `tools:` at the top of the flow
        5:51: error: nodes.two.with.input: this must be a map of keys; it is 5
        6:56: error: nodes.three.with.allow[0]: this flow may not call `mail`; add it to the list `tools:` at the top of the flow"#]],
    );
}

#[test]
fn people() {
    let source = "name: a
nodes:
  one: {kind: human, with: {schema: {type: bool}, on_expiry: one}, next: two}
  two: {kind: human, with: {prompt: 5, expires_seconds: 1 day}}";
    check(
        source,
        &expect![[r#"
        3:22: error: nodes.one.with: `prompt` is missing; say what to ask: `prompt: "Send it?"`
        3:37: error: nodes.one.with.schema: this is no JSON Schema: at /type: value must be one of 'array', 'boolean', 'integer', 'null', 'number', 'object', 'string'; `{type: boolean}` is one
        3:51: error: nodes.one.with.on_expiry: without `expires_seconds` nothing expires; add it, or take this out
        4:37: error: nodes.two.with.prompt: this must be text, the question to a person; it is 5
        4:57: error: nodes.two.with.expires_seconds: times are plain numbers of seconds; write 86400"#]],
    );
}

#[test]
fn odd_yaml() {
    let source = "name: a
name: b
nodes: &n
  one: {kind: wait, with: !secret {seconds: 1}}";
    check(
        source,
        &expect!["4:35: error: tags such as `!name` mean nothing here; leave it out, or quote the text"],
    );
}

#[test]
fn inputs_that_are_state_too() {
    let source = r#"name: a
input: {x: text}
state: {x: list}
nodes: {one: {kind: wait, with: {seconds: 1}}}
output: "{{ y }}""#;
    check(
        source,
        &expect![[r#"
        3:9: error: state.x: `x` is an input already, and so a channel; take it out here or rename it
        5:13: error: output: there is no channel `y`; declare it under `input` or `state`, or put it in quotes if it is a text: 'y'"#]],
    );
}
