//! Our parser against `sqlparser`'s, which reads PostgreSQL's dialect: what ours takes, theirs takes too
//! and groups in the same way.

use super::super::expr::{Arithmetic, Comparison};
use super::super::parse::parse;
use super::super::syntax::{Node, Syntax};
use super::oracle::{Choices, condition};
use proptest::prelude::*;
use sqlparser::ast::{
    BinaryOperator, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, UnaryOperator, Value,
};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::Token;

/// What we read, with all parentheses.
fn ours(syntax: &Syntax) -> String {
    let all = |list: &[Syntax]| list.iter().map(ours).collect::<Vec<_>>();
    match &syntax.node {
        Node::Null => "null".to_owned(),
        Node::Truth(truth) => truth.to_string(),
        Node::Number(number) => number.to_string(),
        Node::Text(text) => format!("'{text}'"),
        Node::Name { name, .. } => name.clone(),
        Node::Call(function, list) => format!("({} {})", function.name(), all(list).join(" ")),
        Node::Negate(x) => format!("(neg {})", ours(x)),
        Node::Not(x) => format!("(not {})", ours(x)),
        Node::And(list) => format!("(and {})", all(list).join(" ")),
        Node::Or(list) => format!("(or {})", all(list).join(" ")),
        Node::Arithmetic(operator, pair) => {
            let operator = match operator {
                Arithmetic::Add => "+",
                Arithmetic::Subtract => "-",
                Arithmetic::Multiply => "*",
                Arithmetic::Divide => "/",
                Arithmetic::Remainder => "%",
            };
            format!("({operator} {})", all(&pair[..]).join(" "))
        }
        Node::Compare(comparison, pair) => {
            let operator = match comparison {
                Comparison::Equal => "=",
                Comparison::NotEqual => "<>",
                Comparison::Less => "<",
                Comparison::LessEqual => "<=",
                Comparison::Greater => ">",
                Comparison::GreaterEqual => ">=",
            };
            format!("({operator} {})", all(&pair[..]).join(" "))
        }
        Node::Between(three) => format!("(between {})", all(&three[..]).join(" ")),
        Node::In(x, list) => format!("(in {} {})", ours(x), all(list).join(" ")),
        Node::Like(pair, _) => format!("(like {})", all(&pair[..]).join(" ")),
        Node::IsNull(x) => format!("(isnull {})", ours(x)),
        Node::Case(cases, rest) => {
            let cases: Vec<String> = cases.iter().flatten().map(ours).collect();
            format!(
                "(case {} {})",
                cases.join(" "),
                rest.as_ref().map_or("null".to_owned(), |rest| ours(rest))
            )
        }
    }
}

/// What `sqlparser` read, in the same form.
fn theirs(expr: &Expr) -> String {
    let not = |negated: &bool, text: String| if *negated { format!("(not {text})") } else { text };
    match expr {
        Expr::Nested(inner) => theirs(inner),
        Expr::Identifier(name) => name.value.clone(),
        Expr::Value(value) => match &value.value {
            Value::Null => "null".to_owned(),
            Value::Boolean(truth) => truth.to_string(),
            Value::Number(number, _) => number.parse::<f64>().unwrap().to_string(),
            Value::SingleQuotedString(text) => format!("'{text}'"),
            other => panic!("{other:?}"),
        },
        Expr::UnaryOp { op: UnaryOperator::Not, expr } => format!("(not {})", theirs(expr)),
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } => format!("(neg {})", theirs(expr)),
        Expr::BinaryOp { left, op: BinaryOperator::And, right } => chain("and", left, right),
        Expr::BinaryOp { left, op: BinaryOperator::Or, right } => chain("or", left, right),
        Expr::BinaryOp { left, op, right } => format!("({op} {} {})", theirs(left), theirs(right)),
        Expr::IsNull(x) => format!("(isnull {})", theirs(x)),
        Expr::IsNotNull(x) => format!("(not (isnull {}))", theirs(x)),
        Expr::InList { expr, list, negated } => {
            let list: Vec<String> = list.iter().map(theirs).collect();
            not(negated, format!("(in {} {})", theirs(expr), list.join(" ")))
        }
        Expr::Between { expr, negated, low, high } => {
            not(negated, format!("(between {} {} {})", theirs(expr), theirs(low), theirs(high)))
        }
        Expr::Like { negated, expr, pattern, .. } => {
            not(negated, format!("(like {} {})", theirs(expr), theirs(pattern)))
        }
        Expr::Floor { expr, .. } => format!("(floor {})", theirs(expr)),
        Expr::Ceil { expr, .. } => format!("(ceil {})", theirs(expr)),
        Expr::Function(function) => {
            let FunctionArguments::List(list) = &function.args else { panic!("{function}") };
            let arguments = list.args.iter().map(|argument| match argument {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => theirs(expr),
                other => panic!("{other}"),
            });
            format!("({} {})", function.name, arguments.collect::<Vec<_>>().join(" "))
        }
        Expr::Case { conditions, else_result, .. } => {
            let cases = conditions.iter().flat_map(|case| [theirs(&case.condition), theirs(&case.result)]);
            let rest = else_result.as_ref().map_or("null".to_owned(), |rest| theirs(rest));
            format!("(case {} {rest})", cases.collect::<Vec<_>>().join(" "))
        }
        other => panic!("{other:?}"),
    }
}

/// `a AND b AND c` is one chain here and two nodes there.
fn chain(name: &str, left: &Expr, right: &Expr) -> String {
    let (left, right) = (theirs(left), theirs(right));
    match left.strip_prefix(&format!("({name} ")).and_then(|rest| rest.strip_suffix(')')) {
        Some(chain) => format!("({name} {chain} {right})"),
        None => format!("({name} {left} {right})"),
    }
}

fn their_parse(text: &str) -> Result<String, String> {
    let parser = Parser::new(&PostgreSqlDialect {}).with_recursion_limit(500);
    let mut parser = parser.try_with_sql(text).map_err(|error| error.to_string())?;
    let expr = parser.parse_expr().map_err(|error| error.to_string())?;
    parser.expect_token(&Token::EOF).map_err(|error| error.to_string())?;
    Ok(theirs(&expr))
}

const PIECES: [&str; 28] = [
    "a",
    "1",
    "b",
    "AND",
    "OR",
    "NOT",
    "=",
    "<",
    "<>",
    ">=",
    "+",
    "-",
    "*",
    "/",
    "%",
    "(",
    ")",
    "IS NULL",
    "IS NOT NULL",
    "IN (1)",
    "NOT IN (a, b)",
    "BETWEEN 1 AND",
    "NOT BETWEEN a + 1 AND",
    "LIKE 'x'",
    "NOT LIKE",
    "'y'",
    "abs(",
    "CASE WHEN a THEN b ELSE",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn groups_what_is_well_formed_alike(bytes in prop::collection::vec(any::<u8>(), 0..120)) {
        let text = condition(&mut Choices::new(&bytes), 0).written();
        prop_assume!(text.len() <= super::MAX_BYTES);
        let ours = ours(&parse(&text, &[]).unwrap_or_else(|error| panic!("{error} in {text}")));
        prop_assert_eq!(Ok(ours), their_parse(&text), "{}", text);
    }

    /// Operands and operators in turn, mostly well-formed, and anything at all now and then.
    #[test]
    fn groups_any_chain_of_operators_alike(
        pieces in prop::collection::vec((0..6_usize, 3..PIECES.len()), 1..12),
    ) {
        let text: Vec<&str> = pieces
            .into_iter()
            .flat_map(|(operand, piece)| [["a", "1", "b", "NOT a", "- b", ""][operand], PIECES[piece]])
            .chain(["a"])
            .collect();
        let text = text.join(" ");
        if let Ok(syntax) = parse(&text, &[]) {
            prop_assert_eq!(Ok(ours(&syntax)), their_parse(&text), "{}", text);
        }
    }
}
