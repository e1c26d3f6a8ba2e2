use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::*;

/// The text, after the value has read back from it.
#[track_caller]
fn kept<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) -> String {
    let text = encode(value).expect("it can be written");
    let back: T = decode(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
    assert_eq!(&back, value, "{text}");
    let twice = serde_json::to_string(&Exact(&Exact(value))).expect("it can be written");
    assert_eq!(twice, text, "brackets are put once, however often it is asked for");
    let spaced = text.replace('[', " [ ").replace(']', " ] ");
    if !text.contains('"') {
        assert_eq!(&decode::<T>(&spaced).expect("white space means nothing"), value, "{spaced}");
    }
    text
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Unit;

#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
struct Newtype<T>(T);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Pair<T>(T, Option<T>);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Named<T> {
    value: T,
    maybe: Option<T>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Shape<T> {
    Unit,
    Newtype(T),
    Tuple(T, Option<()>),
    Struct { value: Option<T> },
}

#[test]
fn ordinary_values_are_written_as_serde_json_does() {
    #[track_caller]
    fn plain<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) {
        assert_eq!(kept(value), serde_json::to_string(value).expect("it can be written"));
    }
    plain(&(true, 'ü', "text \"quoted\" \u{0}".to_owned(), -7i8, u64::MAX, i64::MIN));
    plain(&(u128::MAX, i128::MIN, f64::MIN_POSITIVE, f32::MAX, -0.0));
    plain(&vec![Some(1), None, Some(3)]);
    plain(&Some(vec![1, 2]));
    plain(&Some(Vec::<u8>::new()));
    plain(&Some(vec![Some(5)]));
    plain(&Some("null".to_owned()));
    plain(&Named { value: Pair(1, Some(2)), maybe: None });
    plain(&[Shape::Unit, Shape::Newtype(1), Shape::Tuple(2, None), Shape::Struct { value: Some(3) }]);
    plain(&Unit);
    plain(&Newtype(Newtype(5)));
    plain(&BTreeMap::from([(1u8, "one".to_owned()), (2, "two".to_owned())]));
    plain(&Some(Box::new(Some(Box::new(4)))));
}

#[test]
fn options_of_what_is_written_as_null_read_back() {
    assert_eq!(kept(&None::<()>), "null");
    assert_eq!(kept(&Some(())), "[null]");
    assert_eq!(kept(&Some(Some(()))), "[[null]]");
    assert_eq!(kept(&Some(None::<()>)), "[null]");
    assert_eq!(kept(&Some(Unit)), "[null]");
    assert_eq!(kept(&Some(Newtype(()))), "[null]");
    assert_eq!(kept(&Newtype(Some(Newtype(None::<u8>)))), "[null]");
    assert_eq!(kept(&Some(Some(None::<u8>))), "[[null]]");
    assert_eq!(kept(&Some(Some(5))), "5");
    assert_eq!(kept(&vec![Some(()), None, Some(())]), "[[null],null,[null]]");
}

#[test]
fn what_looks_like_a_nest_and_is_none_reads_back() {
    assert_eq!(kept(&vec![()]), "[null]");
    assert_eq!(kept(&Some(vec![()])), "[[null]]");
    assert_eq!(kept(&Some(vec![None::<u8>])), "[[null]]");
    assert_eq!(kept(&Some(vec![Some(vec![None::<u8>])])), "[[[[null]]]]");
    assert_eq!(kept(&Some(vec![None::<u8>, None])), "[null,null]");
    assert_eq!(kept(&Some(vec![vec![()], vec![()]])), "[[null],[null]]");
    assert_eq!(kept(&Some(((),))), "[[null]]");
    assert_eq!(kept(&Some([Some([(); 1]); 1])), "[[[[null]]]]");
}

#[test]
fn options_inside_everything_read_back() {
    kept(&Named { value: Some(()), maybe: Some(Some(())) });
    kept(&Named { value: Some(None::<Vec<()>>), maybe: Some(None) });
    kept(&Pair(Some(None::<u8>), Some(Some(None))));
    kept(&Shape::Newtype(Some(())));
    kept(&Some(Shape::Tuple(Some(None::<u8>), Some(()))));
    kept(&Shape::Struct { value: Some(Some(())) });
    kept(&HashMap::from([("a".to_owned(), Some(None)), ("b".to_owned(), Some(Some(1))), ("c".to_owned(), None)]));
    kept(&(Some(()), Some((Some(()), None::<()>))));
    kept(&Ok::<Option<()>, Option<Unit>>(Some(())));
    kept(&Err::<Option<()>, Option<Unit>>(Some(Unit)));
    kept(&Some(Named { value: Newtype(Some(Some(Unit))), maybe: None }));
}

#[test]
fn keys_are_read_as_serde_json_does() {
    kept(&BTreeMap::from([(Some(1u64), Some(())), (Some(2), None)]));
    kept(&BTreeMap::from([(Newtype(-1i128), ()), (Newtype(i128::MAX), ())]));
    kept(&BTreeMap::from([(Newtype(Some("x".to_owned())), 1)]));
    kept(&HashMap::from([(true, Some(None::<u8>)), (false, None)]));
    kept(&BTreeMap::from([('ü', Some(()))]));
    assert!(encode(&BTreeMap::from([(None::<u8>, 1)])).is_err());
    assert!(encode(&BTreeMap::from([(Some(()), 1)])).is_err());
}

#[test]
fn json_inside_values_reads_back() {
    let value = json!({"a": [null], "b": [[null], null, 1.5, "x"], "c": {"d": null}, "e": -3, "f": u64::MAX});
    assert_eq!(kept(&value), value.to_string());
    for value in [Value::Null, json!([null]), json!([[null]]), json!([null, null]), json!([]), json!({}), value] {
        kept(&Some(value.clone()));
        kept(&vec![Some(Some(value.clone())), None, Some(None)]);
        kept(&Named { value: value.clone(), maybe: Some(value) });
    }
}

#[test]
fn raw_json_inside_values_reads_back() {
    type Raw = Box<serde_json::value::RawValue>;
    let text = r#"[null, {"a" : [ null ]}]"#;
    let raw = || serde_json::value::RawValue::from_string(text.to_owned()).expect("it is JSON");
    let value: (Raw, Option<Raw>, Option<()>) = (raw(), Some(raw()), Some(()));
    let written = encode(&value).expect("it can be written");
    let (raw, maybe, unit): (Raw, Option<Raw>, Option<()>) = decode(&written).expect("it reads back");
    assert_eq!((raw.get(), maybe.as_deref().map(serde_json::value::RawValue::get), unit), (text, Some(text), Some(())));
}

#[test]
fn ordinary_options_survive_what_serde_keeps_in_between() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(tag = "kind")]
    enum Tagged {
        One { value: Option<u8>, none: Option<u8> },
        Two(Named<u8>),
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(untagged)]
    enum Untagged {
        Number(Option<u8>),
        Text { text: Option<String> },
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Flat {
        own: Option<()>,
        #[serde(flatten)]
        inner: Named<Vec<u8>>,
        #[serde(flatten)]
        rest: BTreeMap<String, Value>,
    }
    kept(&Some(Tagged::One { value: Some(3), none: None }));
    kept(&Tagged::Two(Named { value: 1, maybe: Some(2) }));
    kept(&[Untagged::Number(None), Untagged::Number(Some(3)), Untagged::Text { text: Some("x".to_owned()) }]);
    kept(&Flat {
        own: Some(()),
        inner: Named { value: vec![1], maybe: Some(vec![2]) },
        rest: BTreeMap::from([("z".to_owned(), json!([null]))]),
    });
}

#[test]
fn numbers_that_json_has_not_are_errors() {
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let error = encode(&Some(vec![value])).expect_err("there is no such number").to_string();
        assert!(error.contains("Option<alloc::vec::Vec<f64>>") && error.contains(&value.to_string()), "{error}");
    }
    assert!(encode(&f32::NAN).is_err());
}

#[test]
fn every_float_reads_back_to_the_bit() {
    let mut random = fastrand::Rng::with_seed(17);
    for _ in 0..20_000 {
        let double = f64::from_bits(random.u64(..));
        if double.is_finite() {
            let back: f64 = decode(&encode(&double).expect("it can be written")).expect("it reads back");
            assert_eq!(back.to_bits(), double.to_bits(), "{double:e}");
        }
        let single = f32::from_bits(random.u32(..));
        if single.is_finite() {
            let back: f32 = decode(&encode(&single).expect("it can be written")).expect("it reads back");
            assert_eq!(back.to_bits(), single.to_bits(), "{single:e}");
        }
    }
}

#[test]
fn bytes_and_borrowed_texts_are_written() {
    #[derive(Debug, PartialEq)]
    struct Bytes(Vec<u8>);
    impl Serialize for Bytes {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_bytes(&self.0)
        }
    }
    impl<'de> Deserialize<'de> for Bytes {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            Vec::deserialize(deserializer).map(Self)
        }
    }
    kept(&Some(Bytes(vec![0, 255])));
    kept(&Some(Bytes(Vec::new())));
    assert_eq!(encode("a text").expect("it can be written"), "\"a text\"");
}

#[test]
fn what_could_not_be_read_back_is_not_written() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct List(Vec<List>);
    let deep = |depth| (1..depth).fold(List(Vec::new()), |inner, _| List(vec![inner]));
    kept(&deep(DEEPEST));
    let error = encode(&deep(DEEPEST + 1)).expect_err("too deep").to_string();
    assert!(error.contains("127"), "{error}");

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Chain(u8, Option<Box<Chain>>);
    let chain = |depth| (1..depth).fold(Chain(0, None), |inner, _| Chain(0, Some(Box::new(inner))));
    kept(&chain(DEEPEST));
    assert!(encode(&chain(DEEPEST + 1)).is_err());
    let hostile = "[0,".repeat(100_000) + "null" + &"]".repeat(100_000);
    assert!(decode::<Chain>(&hostile).is_err());
    kept(&"[".repeat(1000));
    kept(&format!("{}\\\"{}", "[{".repeat(1000), "\\".repeat(1001)));
}

#[test]
fn what_is_no_such_value_is_refused() {
    for text in ["", "[", "nul", "null null", "[null] 1", "{}", "[[null]", "\"x\"", "[null,null]", "5 5", "\u{0}"] {
        let error = decode::<Option<Option<u8>>>(text).expect_err(text).to_string();
        assert!(error.contains("Option<core::option::Option<u8>>"), "{error}");
    }
    assert!(decode::<Named<u8>>(r#"{"maybe":[1]}"#).is_err());
    assert_eq!(decode::<Named<u8>>(r#"{"value":1}"#).expect("a missing option is none").maybe, None);
}

/// A type in which everything can be in everything, but for the depth.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Any {
    Unit(()),
    Option(Option<Box<Any>>),
    Twice(Option<Option<Box<Any>>>),
    OfUnit(Option<Option<()>>),
    List(Vec<Any>),
    Lists(Option<Vec<Option<Vec<Option<()>>>>>),
    Map(BTreeMap<String, Option<Any>>),
    Pair(Box<Any>, Option<Box<Any>>),
    Named { value: Box<Any>, maybe: Option<Option<Unit>> },
    Number(Option<u128>),
    Json(Option<Value>),
}

#[test]
fn whatever_is_written_reads_back() {
    for seed in 0..3_000 {
        let mut random = fastrand::Rng::with_seed(seed);
        let value = any(&mut random, 5);
        let text = encode(&value).expect("it can be written");
        let back: Any = decode(&text).unwrap_or_else(|error| panic!("seed {seed}: {text}: {error}"));
        assert_eq!(back, value, "seed {seed}: {text}");
    }
}

fn any(random: &mut fastrand::Rng, depth: u32) -> Any {
    if depth == 0 {
        return Any::Unit(());
    }
    let below = |random: &mut fastrand::Rng| any(random, depth - 1);
    match random.u8(..11) {
        0 => Any::Unit(()),
        1 => Any::Option(maybe(random, below).map(Box::new)),
        2 => Any::Twice(maybe(random, |random| maybe(random, below).map(Box::new))),
        3 => Any::OfUnit(maybe(random, |random| maybe(random, |_| ()))),
        4 => Any::List(several(random, below)),
        5 => Any::Lists(maybe(random, |random| {
            several(random, |random| maybe(random, |random| several(random, |random| maybe(random, |_| ()))))
        })),
        6 => Any::Map(
            several(random, |random| (random.char(..).to_string(), maybe(random, below))).into_iter().collect(),
        ),
        7 => Any::Pair(Box::new(below(random)), maybe(random, below).map(Box::new)),
        8 => Any::Named { value: Box::new(below(random)), maybe: maybe(random, |random| maybe(random, |_| Unit)) },
        9 => Any::Number(maybe(random, |random| random.u128(..))),
        _ => Any::Json(maybe(random, |random| json(random, 3))),
    }
}

fn json(random: &mut fastrand::Rng, depth: u32) -> Value {
    match random.u8(..5) {
        0 if depth > 0 => Value::Array(several(random, |random| json(random, depth - 1))),
        1 if depth > 0 => {
            several(random, |random| (random.char(..).to_string(), json(random, depth - 1))).into_iter().collect()
        }
        2 => json!(f64::from(random.i32(..)) / 8.0),
        3 => json!(random.u64(..)),
        _ => Value::Null,
    }
}

fn maybe<T>(random: &mut fastrand::Rng, some: impl FnOnce(&mut fastrand::Rng) -> T) -> Option<T> {
    random.bool().then(|| some(random))
}

fn several<T>(random: &mut fastrand::Rng, mut one: impl FnMut(&mut fastrand::Rng) -> T) -> Vec<T> {
    (0..random.usize(..4)).map(|_| one(random)).collect()
}
