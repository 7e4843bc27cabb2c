//! Reading objects that may hold more than we know.
//!
//! Owns the one pass in which known fields go to their places and all others, in their order, to
//! `extra`. serde's own `flatten` does the same by way of a buffer; a stream reads three such
//! objects for each token. With `flatten`, a call or a token costs 3 to 16 % more instructions.

use std::{borrow::Cow, fmt, marker::PhantomData};

use serde::{Deserialize, Deserializer, de};

/// A key, without a copy where the input has none.
pub(crate) struct Key<'de>(pub(crate) Cow<'de, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(KeyVisitor)
    }
}

struct KeyVisitor;

impl<'de> de::Visitor<'de> for KeyVisitor {
    type Value = Key<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field's name")
    }

    fn visit_borrowed_str<E: de::Error>(self, name: &'de str) -> Result<Key<'de>, E> {
        Ok(Key(Cow::Borrowed(name)))
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<Key<'de>, E> {
        Ok(Key(Cow::Owned(name.to_owned())))
    }
}

/// A value of which `null` is the default.
pub(crate) struct OrDefault<T>(pub(crate) T);

impl<'de, T: Default + Deserialize<'de>> Deserialize<'de> for OrDefault<T> {
    #[inline]
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::chat::null_as_default(deserializer).map(Self)
    }
}

/// A list that nearly always has one item: room for one, where `Vec` makes room for four.
pub(crate) struct Few<T>(pub(crate) Vec<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Few<T> {
    #[inline]
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(FewVisitor(PhantomData))
    }
}

struct FewVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> de::Visitor<'de> for FewVisitor<T> {
    type Value = Few<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a sequence")
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<Few<T>, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            if items.is_empty() {
                items.reserve_exact(1);
            }
            items.push(item);
        }
        Ok(Few(items))
    }
}

/// Implements `Deserialize` for a struct with an `extra`. Each line is a field's name in JSON, the
/// field, and how what was read, an `Option`, becomes it. A reply's unknown nulls say nothing, and
/// containers send many: they are left out. A request's are the caller's; `with nulls of`
/// keeps those of the named fields too, which are read as an `Option`.
macro_rules! open_object {
    ($object:ident with nulls { $($fields:tt)* }) => {
        $crate::open_object::open_object!($object, |_: &serde_json::Value| true, { $($fields)* });
    };
    ($object:ident without nulls { $($fields:tt)* }) => {
        $crate::open_object::open_object!($object, |value: &serde_json::Value| !value.is_null(), { $($fields)* });
    };
    ($object:ident with nulls of [$($null:ident),*] { $($fields:tt)* }) => {
        $crate::open_object::open_object!($object, |_: &serde_json::Value| true, { $($fields)* } [$($null),*]);
    };
    ($object:ident, $kept:expr, { $($name:literal => $field:ident: $read:ty, $finish:expr;)* } $([$($null:ident),*])?) => {
        impl<'de> serde::Deserialize<'de> for $object {
            #[inline]
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Visitor;

                impl<'de> serde::de::Visitor<'de> for Visitor {
                    type Value = $object;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str(concat!("struct ", stringify!($object)))
                    }

                    #[inline]
                    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<$object, A::Error> {
                        $(let mut $field: Option<$read> = None;)*
                        let mut extra = serde_json::Map::new();
                        while let Some($crate::open_object::Key(name)) = map.next_key()? {
                            match &*name {
                                $($name if $field.is_some() => {
                                    return Err(serde::de::Error::duplicate_field($name));
                                }
                                $name => $field = Some(map.next_value()?),)*
                                _ => {
                                    let value = map.next_value()?;
                                    if ($kept)(&value) {
                                        extra.insert(name.into_owned(), value);
                                    }
                                }
                            }
                        }
                        $(let were_null = $crate::nulls::Nulls::of([$(matches!(&$null, Some(None))),*]);)?
                        $(let $field = {
                            let finish: fn(Option<$read>) -> Result<_, A::Error> = $finish;
                            finish($field)?
                        };)*
                        Ok($object { $($field,)* $(nulls: $crate::open_object::keep!(were_null [$($null),*]),)? extra })
                    }
                }

                deserializer.deserialize_map(Visitor)
            }
        }
    };
}

/// The first of these.
macro_rules! keep {
    ($kept:ident [$($other:ident),*]) => {
        $kept
    };
}

pub(crate) use {keep, open_object};
