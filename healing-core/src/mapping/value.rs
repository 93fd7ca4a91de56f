//! jq's values, each of whose operations is paid for before it is done.

use std::{
    fmt,
    ops::{Add, Div, Mul, Neg, Rem, Sub},
};

use jaq_core::{Error, Exn, ValR, ValT, ValX, path::Opt, val::Range};
use jaq_json::{Num, Rc, Val};

use crate::mapping::{
    MapFault,
    meter::{self, charge, levels},
};

/// The largest whole number, in bits: beyond it each multiplication doubles its size.
const MAX_BITS: u64 = 1024;

/// A value, and how many levels it has at the most.
#[derive(Clone)]
pub(super) struct Metered {
    val: Val,
    levels: u16,
}

type Result1 = ValR<Metered>;

// === impl Metered ===

impl Metered {
    /// A value that was read.
    pub(super) const fn read(val: Val, levels: u16) -> Self {
        Self { val, levels }
    }

    /// An object of texts.
    pub(super) fn object(pairs: &[(&str, &str)]) -> Self {
        let text = |text: &str| Val::utf8_str(text.to_owned());
        let map = pairs.iter().map(|(name, value)| (text(name), text(value)));
        Self::read(Val::obj(map.collect()), 2)
    }

    fn leaf(val: Val) -> Self {
        Self::read(val, 1)
    }

    /// A value inside of this one.
    fn inside(&self) -> impl Fn(Val) -> Self + use<> {
        let levels = self.levels.saturating_sub(1).max(1);
        move |val| Self { val, levels }
    }

    /// How many elements it has, or bytes.
    pub(super) fn len(&self) -> usize {
        len(&self.val)
    }

    pub(super) const fn val(&self) -> &Val {
        &self.val
    }

    /// A result of an operation on this and another.
    fn with(levels: u16, result: Result<Val, jaq_json::Error>) -> Result1 {
        result
            .map(|val| Self { val, levels })
            .map_err(|_| refused())
    }

    /// What it costs to change this: nothing where nobody else has it, else the whole.
    fn unsharing(&self) -> usize {
        let shared = match &self.val {
            Val::Arr(rows) => Rc::strong_count(rows) > 1,
            Val::Obj(map) => Rc::strong_count(map) > 1,
            Val::BStr(_) | Val::TStr(_) => true,
            Val::Null | Val::Bool(_) | Val::Num(_) => false,
        };
        if shared { self.len() } else { 0 }
    }

    fn bounded(&self) {
        if let Val::Num(Num::BigInt(whole)) = &self.val
            && whole.bits() > MAX_BITS
        {
            meter::stop(MapFault::TooLarge);
        }
    }
}

/// The values that an update gives, as the value's own kind takes them, with the levels of the deepest.
fn plain<'a, I>(outputs: I, deepest: &std::cell::Cell<u16>) -> impl Iterator<Item = ValX<'a, Val>>
where
    I: Iterator<Item = ValX<'a, Metered>>,
{
    outputs.map(move |output| {
        let made = output.map_err(|exn| match exn.get_err() {
            Ok(_) | Err(_) => Exn::from(jaq_json::Error::str("the update fails")),
        })?;
        deepest.set(deepest.get().max(made.levels));
        Ok(made.val)
    })
}

/// An error without words: what it would quote may be the upstream's.
fn refused() -> Error<Metered> {
    Error::new(Metered::leaf(Val::Null))
}

fn len(val: &Val) -> usize {
    match val {
        Val::Arr(rows) => rows.len(),
        Val::Obj(map) => map.len(),
        Val::BStr(text) | Val::TStr(text) => text.len() / 8 + 1,
        Val::Null | Val::Bool(_) | Val::Num(_) => 1,
    }
}

/// What it costs to look at all of a value.
fn weight(val: &Val) -> usize {
    match val {
        Val::Arr(rows) => rows.iter().map(weight).sum::<usize>() + 1,
        Val::Obj(map) => {
            map.iter()
                .map(|(k, v)| weight(k) + weight(v))
                .sum::<usize>()
                + 1
        }
        Val::BStr(_) | Val::TStr(_) | Val::Null | Val::Bool(_) | Val::Num(_) => len(val),
    }
}

impl ValT for Metered {
    fn from_num(text: &str) -> Result1 {
        charge(text.len());
        Self::with(1, Val::from_num(text))
    }

    fn from_map<I: IntoIterator<Item = (Self, Self)>>(pairs: I) -> Result1 {
        let mut deepest = 0;
        let pairs = pairs.into_iter().map(|(key, value)| {
            charge(4);
            deepest = deepest.max(key.levels).max(value.levels);
            (key.val, value.val)
        });
        let made = Val::from_map(pairs);
        Self::with(levels(deepest + 1), made)
    }

    fn key_values(self) -> Box<dyn Iterator<Item = ValR<(Self, Self), Self>>> {
        charge(self.len());
        let inside = self.inside();
        let pairs = self.val.key_values();
        Box::new(pairs.map(move |pair| {
            let (key, value) = pair.map_err(|_| refused())?;
            Ok((Self::leaf(key), inside(value)))
        }))
    }

    fn values(self) -> Box<dyn Iterator<Item = Result1>> {
        charge(self.len());
        let inside = self.inside();
        let values = self.val.values();
        Box::new(values.map(move |value| value.map(&inside).map_err(|_| refused())))
    }

    fn index(self, index: &Self) -> Result1 {
        // A list as an index is searched for.
        let searched = matches!(index.val, Val::Arr(_));
        charge(if searched {
            self.len().saturating_mul(weight(&index.val))
        } else {
            1
        });
        let inside = self.inside();
        self.val
            .index(&index.val)
            .map(inside)
            .map_err(|_| refused())
    }

    fn range(self, range: Range<&Self>) -> Result1 {
        charge(self.len());
        let range = range.start.map(|at| &at.val)..range.end.map(|at| &at.val);
        Self::with(self.levels, self.val.range(range))
    }

    fn map_values<'a, I: Iterator<Item = ValX<'a, Self>>>(
        self,
        opt: Opt,
        f: impl Fn(Self) -> I,
    ) -> ValX<'a, Self> {
        charge(self.len());
        let (inside, deepest) = (self.inside(), std::cell::Cell::new(self.levels));
        let made = self
            .val
            .map_values(opt, |value| plain(f(inside(value)), &deepest));
        updated(made, &deepest)
    }

    fn map_index<'a, I: Iterator<Item = ValX<'a, Self>>>(
        self,
        index: &Self,
        opt: Opt,
        f: impl Fn(Self) -> I,
    ) -> ValX<'a, Self> {
        charge(self.unsharing() + 1);
        let (inside, deepest) = (self.inside(), std::cell::Cell::new(self.levels));
        let made = self
            .val
            .map_index(&index.val, opt, |value| plain(f(inside(value)), &deepest));
        updated(made, &deepest)
    }

    fn map_range<'a, I: Iterator<Item = ValX<'a, Self>>>(
        self,
        range: Range<&Self>,
        opt: Opt,
        f: impl Fn(Self) -> I,
    ) -> ValX<'a, Self> {
        charge(self.len());
        let (whole, deepest) = (self.levels, std::cell::Cell::new(self.levels));
        let range = range.start.map(|at| &at.val)..range.end.map(|at| &at.val);
        let inside = move |val| Self { val, levels: whole };
        let made = self
            .val
            .map_range(range, opt, |value| plain(f(inside(value)), &deepest));
        updated(made, &deepest)
    }

    fn as_bool(&self) -> bool {
        self.val.as_bool()
    }

    fn into_string(self) -> Self {
        charge(weight(&self.val));
        Self::leaf(self.val.into_string())
    }
}

/// What an update made.
fn updated<'a>(made: ValX<'a, Val>, deepest: &std::cell::Cell<u16>) -> ValX<'a, Metered> {
    match made {
        Ok(val) => Ok(Metered {
            val,
            levels: levels(deepest.get() + 1),
        }),
        Err(_) => Err(refused().into()),
    }
}

impl jaq_std::ValT for Metered {
    fn into_seq<S: FromIterator<Self>>(self) -> Result<S, Self> {
        charge(self.len());
        let inside = self.inside();
        let Val::Arr(rows) = self.val else {
            return Err(self);
        };
        Ok(rows.iter().cloned().map(inside).collect())
    }

    fn is_int(&self) -> bool {
        self.val.is_int()
    }

    fn as_isize(&self) -> Option<isize> {
        self.val.as_isize()
    }

    fn as_f64(&self) -> Option<f64> {
        self.val.as_f64()
    }

    fn is_utf8_str(&self) -> bool {
        self.val.is_utf8_str()
    }

    fn as_bytes(&self) -> Option<&[u8]> {
        charge(self.len());
        self.val.as_bytes()
    }

    fn as_sub_str(&self, part: &[u8]) -> Self {
        Self::leaf(self.val.as_sub_str(part))
    }

    fn from_utf8_bytes(bytes: impl AsRef<[u8]> + Send + 'static) -> Self {
        charge(bytes.as_ref().len() / 8 + 1);
        Self::leaf(Val::from_utf8_bytes(bytes))
    }
}

impl Add for Metered {
    type Output = Result1;

    fn add(self, other: Self) -> Result1 {
        self.bounded();
        charge(self.unsharing() + other.len());
        let deepest = self.levels.max(other.levels);
        Self::with(deepest, self.val + other.val)
    }
}

impl Sub for Metered {
    type Output = Result1;

    fn sub(self, other: Self) -> Result1 {
        self.bounded();
        charge(weight(&self.val) + weight(&other.val));
        Self::with(self.levels, self.val - other.val)
    }
}

impl Mul for Metered {
    type Output = Result1;

    fn mul(self, other: Self) -> Result1 {
        self.bounded();
        other.bounded();
        let times = |text: &Self, number: &Self| match (&text.val, &number.val) {
            (Val::TStr(_) | Val::BStr(_), Val::Num(Num::Int(times))) => {
                text.len().saturating_mul(times.unsigned_abs())
            }
            (Val::TStr(_) | Val::BStr(_), Val::Num(_)) => usize::MAX,
            _ => 0,
        };
        let repeated = times(&self, &other).max(times(&other, &self));
        charge(repeated.max(weight(&self.val) + weight(&other.val)));
        let deepest = self.levels.max(other.levels);
        Self::with(deepest, self.val * other.val)
    }
}

impl Div for Metered {
    type Output = Result1;

    fn div(self, other: Self) -> Result1 {
        charge(weight(&self.val) + weight(&other.val));
        Self::with(2, self.val / other.val)
    }
}

impl Rem for Metered {
    type Output = Result1;

    fn rem(self, other: Self) -> Result1 {
        charge(1);
        Self::with(1, self.val % other.val)
    }
}

impl Neg for Metered {
    type Output = Result1;

    fn neg(self) -> Result1 {
        charge(1);
        Self::with(1, -self.val)
    }
}

impl PartialEq for Metered {
    fn eq(&self, other: &Self) -> bool {
        charge(weight(&self.val).min(weight(&other.val)));
        self.val == other.val
    }
}

impl Eq for Metered {}

impl PartialOrd for Metered {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Metered {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        charge(weight(&self.val).min(weight(&other.val)));
        self.val.cmp(&other.val)
    }
}

impl FromIterator<Self> for Metered {
    fn from_iter<T: IntoIterator<Item = Self>>(values: T) -> Self {
        let mut deepest = 0;
        let values = values.into_iter().map(|value| {
            charge(1);
            deepest = deepest.max(value.levels);
            value.val
        });
        let val = Val::from_iter(values);
        Self {
            val,
            levels: levels(deepest + 1),
        }
    }
}

impl From<bool> for Metered {
    fn from(value: bool) -> Self {
        Self::leaf(value.into())
    }
}

impl From<isize> for Metered {
    fn from(value: isize) -> Self {
        Self::leaf(value.into())
    }
}

impl From<usize> for Metered {
    fn from(value: usize) -> Self {
        Self::leaf(value.into())
    }
}

impl From<f64> for Metered {
    fn from(value: f64) -> Self {
        Self::leaf(value.into())
    }
}

impl From<String> for Metered {
    fn from(value: String) -> Self {
        charge(value.len() / 8 + 1);
        Self::leaf(value.into())
    }
}

impl From<Range<Self>> for Metered {
    fn from(range: Range<Self>) -> Self {
        let plain = range.start.map(|at| at.val)..range.end.map(|at| at.val);
        Self::read(Val::from(plain), 2)
    }
}

impl fmt::Display for Metered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        charge(weight(&self.val));
        self.val.fmt(f)
    }
}
