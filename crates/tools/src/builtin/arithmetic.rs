//! Arithmetic on text: a Pratt parser that computes as it reads.
//!
//! Keeps true: length and depth of what is read are bounded; whole numbers are exact up to 38 digits; every result is
//! finite, or an error says why there is none.

use std::f64::consts::{E, PI, TAU};

/// The longest expression; a page of sums.
pub(crate) const EXPRESSION_BYTES_MAX: usize = 2_000;

/// How deep parentheses, signs and powers may nest.
const DEPTH_MAX: u32 = 64;

/// The most arguments of one function.
const ARGUMENTS_MAX: usize = 256;

/// A whole number while it can be one, so that `2^64 + 1` is exact.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Number {
    Whole(i128),
    Real(f64),
}

/// What is wrong, in words that follow "cannot be computed: ".
pub(crate) type Outcome<T> = Result<T, String>;

/// The value of an expression with `+ - * / % ^ ( )`, functions and the constants `pi`, `e` and `tau`. `%` is the
/// remainder, with the sign of the divisor; `^` binds tightest and to the right: `-2^2` is -4.
pub(crate) fn evaluate(expression: &str) -> Outcome<Number> {
    if expression.len() > EXPRESSION_BYTES_MAX {
        return Err(format!("it is longer than {EXPRESSION_BYTES_MAX} bytes"));
    }
    let mut reader = Reader { text: expression, at: 0, depth: 0 };
    let value = reader.expression(0)?;
    match reader.peek() {
        None => Ok(value),
        Some(found) => Err(format!("there is '{found}' {} where an operator should be", reader.place())),
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: u32,
}

impl Reader<'_> {
    /// Reads while operators bind tighter than `binding`.
    fn expression(&mut self, binding: u8) -> Outcome<Number> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(format!("it nests deeper than {DEPTH_MAX}"));
        }
        let mut left = self.operand()?;
        while let Some((operator, left_binding, right_binding)) = self.peek().and_then(operator) {
            if left_binding <= binding {
                break;
            }
            self.skip();
            let right = self.expression(right_binding)?;
            left = apply(operator, left, right)?;
        }
        self.depth -= 1;
        Ok(left)
    }

    fn operand(&mut self) -> Outcome<Number> {
        match self.peek() {
            Some('-') => {
                self.skip();
                apply('-', Number::Whole(0), self.expression(SIGN_BINDING)?)
            }
            Some('+') => {
                self.skip();
                self.expression(SIGN_BINDING)
            }
            Some('(') => {
                self.skip();
                let value = self.expression(0)?;
                self.expect(')')?;
                Ok(value)
            }
            Some(c) if c.is_ascii_digit() || c == '.' => self.number(),
            Some(c) if c.is_ascii_alphabetic() => self.named(),
            Some(c) => Err(format!("there is '{c}' {} where a number should be", self.place())),
            None => Err("it ends where a number should be".to_owned()),
        }
    }

    /// `12`, `1_000`, `.5`, `6.02e23`.
    fn number(&mut self) -> Outcome<Number> {
        let rest = &self.text[self.at..];
        let length = length_of_number(rest);
        let digits = rest[..length].replace('_', "");
        let place = self.place();
        self.at += length;
        match digits.parse().map(Number::Whole) {
            Ok(whole) => Ok(whole),
            Err(_) => match digits.parse() {
                Ok(real) => finite(real),
                Err(_) => Err(format!("'{digits}' {place} is not a number")),
            },
        }
    }

    /// A constant, or a function with its arguments.
    fn named(&mut self) -> Outcome<Number> {
        let rest = &self.text[self.at..];
        let length = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
        let name = rest[..length].to_ascii_lowercase();
        self.at += length;
        if self.peek() == Some('(') {
            self.skip();
            let arguments = self.arguments()?;
            return call(&name, &arguments);
        }
        match name.as_str() {
            "pi" => Ok(Number::Real(PI)),
            "e" => Ok(Number::Real(E)),
            "tau" => Ok(Number::Real(TAU)),
            _ => Err(format!("'{name}' is not known; constants are pi, e and tau")),
        }
    }

    fn arguments(&mut self) -> Outcome<Vec<Number>> {
        let mut arguments = Vec::new();
        if self.peek() == Some(')') {
            self.skip();
            return Ok(arguments);
        }
        while arguments.len() < ARGUMENTS_MAX {
            arguments.push(self.expression(0)?);
            if self.peek() != Some(',') {
                self.expect(')')?;
                return Ok(arguments);
            }
            self.skip();
        }
        Err(format!("a function has more than {ARGUMENTS_MAX} arguments"))
    }

    /// The next character that is not space.
    fn peek(&mut self) -> Option<char> {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start().len();
        self.text[self.at..].chars().next()
    }

    fn skip(&mut self) {
        self.at += self.text[self.at..].chars().next().map_or(0, char::len_utf8);
    }

    fn expect(&mut self, wanted: char) -> Outcome<()> {
        match self.peek() {
            Some(c) if c == wanted => {
                self.skip();
                Ok(())
            }
            Some(c) => Err(format!("there is '{c}' {} where '{wanted}' should be", self.place())),
            None => Err(format!("'{wanted}' is missing at the end")),
        }
    }

    fn place(&self) -> String {
        format!("at character {}", self.text[..self.at].chars().count() + 1)
    }
}

/// Digits, points and underscores, and an exponent if one follows whole.
fn length_of_number(text: &str) -> usize {
    let digits = |from: usize, part: fn(&u8) -> bool| {
        from + text.as_bytes()[from..].iter().take_while(|byte| part(byte)).count()
    };
    let mantissa = digits(0, |byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'_'));
    if !text[mantissa..].starts_with(['e', 'E']) {
        return mantissa;
    }
    let sign = usize::from(text[mantissa + 1..].starts_with(['+', '-']));
    let exponent = mantissa + 1 + sign;
    let end = digits(exponent, u8::is_ascii_digit);
    if end > exponent { end } else { mantissa }
}

/// A sign binds looser than a power and tighter than a product.
const SIGN_BINDING: u8 = 5;

/// What an operator is called, and how tightly it binds to its left and its right.
fn operator(c: char) -> Option<(char, u8, u8)> {
    match c {
        '+' => Some(('+', 1, 1)),
        '-' | '−' => Some(('-', 1, 1)),
        '*' | '×' | '·' => Some(('*', 3, 3)),
        '/' | '÷' | ':' => Some(('/', 3, 3)),
        '%' => Some(('%', 3, 3)),
        '^' => Some(('^', 7, 6)),
        _ => None,
    }
}

fn apply(operator: char, left: Number, right: Number) -> Outcome<Number> {
    if matches!(operator, '/' | '%') && right.real() == 0.0 {
        return Err("division by zero".to_owned());
    }
    if let (Number::Whole(a), Number::Whole(b)) = (left, right)
        && let Some(exact) = whole(operator, a, b)
    {
        return Ok(Number::Whole(exact));
    }
    let (a, b) = (left.real(), right.real());
    finite(match operator {
        '+' => a + b,
        '-' => a - b,
        '*' => a * b,
        '/' => a / b,
        '%' => a - b * (a / b).floor(),
        _ => a.powf(b),
    })
}

/// The exact result, where it is a whole number of at most 127 bits.
fn whole(operator: char, a: i128, b: i128) -> Option<i128> {
    match operator {
        '+' => a.checked_add(b),
        '-' => a.checked_sub(b),
        '*' => a.checked_mul(b),
        '/' => a.checked_rem(b).filter(|rest| *rest == 0).and_then(|_| a.checked_div(b)),
        '%' => {
            let rest = a.checked_rem(b)?;
            Some(if rest != 0 && (rest < 0) != (b < 0) { rest + b } else { rest })
        }
        _ => a.checked_pow(u32::try_from(b).ok()?),
    }
}

/// A real result, or why there is none.
fn finite(real: f64) -> Outcome<Number> {
    if real.is_nan() {
        return Err("the result is not a real number".to_owned());
    }
    if real.is_infinite() {
        return Err("the result is too large (more than about 1.8e308)".to_owned());
    }
    Ok(Number::Real(real))
}

fn call(name: &str, arguments: &[Number]) -> Outcome<Number> {
    let reals: Vec<f64> = arguments.iter().map(|number| number.real()).collect();
    match (name, arguments, reals.as_slice()) {
        ("abs", [Number::Whole(a)], _) => {
            a.checked_abs().map(Number::Whole).ok_or_else(|| "overflow".to_owned())
        }
        ("floor" | "ceil" | "round" | "trunc", [Number::Whole(a)], _) => Ok(Number::Whole(*a)),
        ("sum", [first, rest @ ..], _) => rest.iter().try_fold(*first, |sum, next| apply('+', sum, *next)),
        ("mean" | "avg", [_, ..], _) => {
            let count = Number::Whole(i128::try_from(arguments.len()).unwrap_or(1));
            apply('/', call("sum", arguments)?, count)
        }
        ("min", [first, rest @ ..], _) => {
            Ok(rest.iter().fold(*first, |a, b| if b.real() < a.real() { *b } else { a }))
        }
        ("max", [first, rest @ ..], _) => {
            Ok(rest.iter().fold(*first, |a, b| if b.real() > a.real() { *b } else { a }))
        }
        ("pow", [a, b], _) => apply('^', *a, *b),
        ("mod", [a, b], _) => apply('%', *a, *b),
        ("round", _, [a, digits]) => rounded(*a, *digits),
        (_, _, [a]) => real_function(name, *a),
        ("log", _, [a, base]) => finite(logarithm(*a)?.ln() / logarithm(*base)?.ln()),
        ("atan2", _, [a, b]) => finite(a.atan2(*b)),
        ("hypot", _, [a, b]) => finite(a.hypot(*b)),
        _ => Err(unknown_function(name, arguments.len())),
    }
}

fn real_function(name: &str, a: f64) -> Outcome<Number> {
    finite(match name {
        "abs" => a.abs(),
        "floor" => return to_whole(a.floor()),
        "ceil" => return to_whole(a.ceil()),
        "round" => return to_whole(a.round()),
        "trunc" => return to_whole(a.trunc()),
        "sqrt" => a.sqrt(),
        "cbrt" => a.cbrt(),
        "exp" => a.exp(),
        "ln" => logarithm(a)?.ln(),
        "log" | "log10" => logarithm(a)?.log10(),
        "log2" => logarithm(a)?.log2(),
        "sin" => a.sin(),
        "cos" => a.cos(),
        "tan" => a.tan(),
        "asin" => a.asin(),
        "acos" => a.acos(),
        "atan" => a.atan(),
        "rad" => a.to_radians(),
        "deg" => a.to_degrees(),
        _ => return Err(unknown_function(name, 1)),
    })
}

fn unknown_function(name: &str, arguments: usize) -> String {
    format!(
        "there is no function '{name}' of {arguments} arguments; there are abs, floor, ceil, round, trunc, sqrt, cbrt, \
         exp, ln, log, log10, log2, sin, cos, tan, asin, acos, atan, atan2, hypot, rad, deg, min, max, sum, mean, pow \
         and mod"
    )
}

fn logarithm(a: f64) -> Outcome<f64> {
    if a > 0.0 { Ok(a) } else { Err("a logarithm needs a number above zero".to_owned()) }
}

/// Rounds half away from zero at so many places after the point.
fn rounded(a: f64, digits: f64) -> Outcome<Number> {
    if !(0.0..=15.0).contains(&digits) || digits.fract() != 0.0 {
        return Err("round takes 0 to 15 places".to_owned());
    }
    let scale = 10_f64.powf(digits);
    // Taken at the 15 digits that people see, so that 2.675 is not 2.67499999999999982236431605997495353221893310546875.
    let scaled: f64 = Number::Real(a * scale).text().parse().unwrap_or(a * scale);
    // Past 2^53 there is nothing behind the point that rounding could touch.
    if scaled.abs() < 9e15 { finite(scaled.round() / scale) } else { finite(a) }
}

/// A real without fraction as a whole number where that is exact.
#[allow(clippy::cast_possible_truncation)]
fn to_whole(a: f64) -> Outcome<Number> {
    if a.abs() < 9e15 { Ok(Number::Whole(a as i128)) } else { finite(a) }
}

impl Number {
    #[allow(clippy::cast_precision_loss)]
    pub(crate) fn real(self) -> f64 {
        match self {
            Self::Whole(whole) => whole as f64,
            Self::Real(real) => real,
        }
    }

    /// Exact for whole numbers, 15 significant digits for others, as spreadsheets show: `0.1 + 0.2` is 0.3.
    pub(crate) fn text(self) -> String {
        match self {
            Self::Whole(whole) => whole.to_string(),
            Self::Real(real) => {
                let shown = format!("{real:.14e}").parse::<f64>().unwrap_or(real);
                let is_plain = shown == 0.0 || (1e-6..1e15).contains(&shown.abs());
                if is_plain { format!("{shown}") } else { format!("{shown:e}") }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn value(expression: &str) -> String {
        evaluate(expression).map_or_else(|what| what, Number::text)
    }

    #[track_caller]
    fn gives(cases: &[(&str, &str)]) {
        for (expression, expected) in cases {
            assert_eq!(value(expression), *expected, "{expression}");
        }
    }

    #[test]
    fn operators_bind_as_in_school() {
        gives(&[
            ("1 + 2 * 3", "7"),
            ("(1 + 2) * 3", "9"),
            ("10 - 4 - 3", "3"),
            ("2^3^2", "512"),
            ("-2^2", "-4"),
            ("2^-1", "0.5"),
            ("2 * -3", "-6"),
            ("--5", "5"),
            ("7 % 3 + -7 % 3", "3"),
            ("6 / 4", "1.5"),
            ("6 / 3", "2"),
            ("12 × 3 ÷ 4 − 1", "8"),
        ]);
    }

    #[test]
    fn numbers_have_many_forms() {
        gives(&[
            ("1_000 + .5", "1000.5"),
            ("1.5e3", "1500"),
            ("2E-3", "0.002"),
            ("2e", "there is 'e' at character 2 where an operator should be"),
            ("1.2.3", "'1.2.3' at character 1 is not a number"),
        ]);
    }

    #[test]
    fn results_are_what_people_expect() {
        gives(&[
            ("0.1 + 0.2", "0.3"),
            ("2^64 + 1", "18446744073709551617"),
            ("1/3", "0.333333333333333"),
            ("10^20 / 3", "3.33333333333333e19"),
            ("1e-9", "1e-9"),
            ("19.99 * 3", "59.97"),
        ]);
    }

    #[test]
    fn functions_and_constants() {
        gives(&[
            ("sqrt(2)^2", "2"),
            ("round(2.675, 2) + round(2.5)", "5.68"),
            ("max(1, 5, 3) + min(2, 1)", "6"),
            ("mean(1, 2, 3, 4)", "2.5"),
            ("sum(1,2,3)", "6"),
            ("log(1000) + ln(e) + log2(8) + log(81, 3)", "11"),
            ("sin(pi / 2) + cos(rad(180))", "0"),
            ("abs(-3) + floor(2.7) + ceil(2.1) + trunc(-2.9)", "6"),
            ("mod(-1, 5) * pow(2, 3)", "32"),
        ]);
    }

    #[test]
    fn faults_say_what_and_where() {
        gives(&[
            ("", "it ends where a number should be"),
            ("1 +", "it ends where a number should be"),
            ("1 / (2 - 2)", "division by zero"),
            ("5 % 0", "division by zero"),
            ("10^400", "the result is too large (more than about 1.8e308)"),
            ("9^9^9^9", "the result is too large (more than about 1.8e308)"),
            ("sqrt(-1)", "the result is not a real number"),
            ("ln(0)", "a logarithm needs a number above zero"),
            ("(1 + 2", "')' is missing at the end"),
            ("1 2", "there is '2' at character 3 where an operator should be"),
            ("2 $ 3", "there is '$' at character 3 where an operator should be"),
            ("x + 1", "'x' is not known; constants are pi, e and tau"),
        ]);
        assert!(value("system(1)").starts_with("there is no function 'system' of 1 arguments"));
        assert!(value("sqrt()").starts_with("there is no function 'sqrt' of 0 arguments"));
    }

    #[test]
    fn depth_and_length_are_bounded() {
        assert!(value(&"(".repeat(1_000)).contains("nests deeper"));
        assert!(value(&"-".repeat(1_000)).contains("nests deeper"));
        assert!(value(&"2^".repeat(900)).contains("nests deeper"));
        assert!(value(&"1+".repeat(2_000)).contains("longer than"));
        assert_eq!(value(&format!("{}1", "1+".repeat(900))), "901");
        assert!(value(&format!("sum({}1)", "1,".repeat(900))).contains("more than 256"));
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(expression in "[-+*/%^(),._0-9a-z ×é]{0,60}") {
            let _ = evaluate(&expression);
        }

        #[test]
        fn sums_of_whole_numbers_are_exact(a in -1_000_000_000_000_i64.., b: i64) {
            prop_assert_eq!(value(&format!("{a} + ({b})")), (i128::from(a) + i128::from(b)).to_string());
        }
    }
}
