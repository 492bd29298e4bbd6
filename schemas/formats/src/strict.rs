//! Strict JSON: no unknown key, no duplicate key, no null for an absent value, no array for an object, bounded size and
//! depth.
//!
//! Every signed record is declared by [`record!`], so that no record can forget one of these rules.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::text::TextError;

/// Why a JSON document was refused.
#[derive(Debug, thiserror::Error)]
pub enum JsonError {
    /// The document is larger than its format allows.
    #[error("the JSON document has {size} bytes; at most {max} are accepted")]
    TooLarge {
        /// Bytes received.
        size: usize,
        /// Bytes accepted.
        max: usize,
    },
    /// The document is not the JSON this format wants.
    #[error("the JSON document is malformed: {0}")]
    Malformed(#[from] serde_json::Error),
}

/// Parses one strict JSON object of at most `max` bytes; trailing bytes, unknown and duplicate keys are refused, and so
/// is a document that is no object.
pub fn from_json<'a, T: Deserialize<'a>>(bytes: &'a [u8], max: usize) -> Result<T, JsonError> {
    if bytes.len() > max {
        return Err(JsonError::TooLarge { size: bytes.len(), max });
    }
    // Looked at once here, no string in it need be looked at again.
    let text = std::str::from_utf8(bytes).map_err(serde_json::Error::custom)?;
    let mut json = serde_json::Deserializer::from_str(text);
    let record = T::deserialize(ObjectOnly(&mut json))?;
    json.end()?;
    Ok(record)
}

/// Reads a record as an object and nothing else: serde by itself also takes an array of the fields in their order,
/// which every other reader would see as something different.
pub(crate) struct ObjectOnly<D>(pub(crate) D);

impl<'de, D: Deserializer<'de>> Deserializer<'de> for ObjectOnly<D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_map(visitor)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// Reads a closed word as a string and nothing else: serde by itself also takes `{"word": null}`.
pub(crate) fn read_word<'de, T: FromStr<Err = TextError>, D: Deserializer<'de>>(d: D) -> Result<T, D::Error> {
    struct Word<T>(PhantomData<T>);
    impl<T: FromStr<Err = TextError>> Visitor<'_> for Word<T> {
        type Value = T;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a word")
        }
        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<T, E> {
            text.parse().map_err(E::custom)
        }
    }
    d.deserialize_str(Word(PhantomData))
}

/// Reads an optional field that is there: null is not a way to say "absent".
pub(crate) fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(d: D) -> Result<Option<T>, D::Error> {
    T::deserialize(d).map(Some)
}

/// A sorted map that refuses a key given twice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent, bound(serialize = "K: Serialize, V: Serialize"))]
pub struct StrictMap<K: Ord, V>(BTreeMap<K, V>);

impl<K: Ord, V> StrictMap<K, V> {
    /// A map without entries.
    pub const fn empty() -> Self {
        Self(BTreeMap::new())
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value at a key.
    pub fn get(&self, key: &K) -> Option<&V> {
        self.0.get(key)
    }

    /// Puts a value at a key and returns what stood there.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        self.0.insert(key, value)
    }

    /// All entries by key.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.0.iter()
    }
}

impl<K: Ord, V> FromIterator<(K, V)> for StrictMap<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(iter: I) -> Self {
        Self(iter.into_iter().collect())
    }
}

impl<'de, K: Ord + Deserialize<'de>, V: Deserialize<'de>> Deserialize<'de> for StrictMap<K, V> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Entries<K, V>(PhantomData<(K, V)>);
        impl<'de, K: Ord + Deserialize<'de>, V: Deserialize<'de>> Visitor<'de> for Entries<K, V> {
            type Value = StrictMap<K, V>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object without duplicate keys")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut out = BTreeMap::new();
                while let Some((key, value)) = map.next_entry()? {
                    if out.insert(key, value).is_some() {
                        return Err(A::Error::custom("a key is given twice"));
                    }
                }
                Ok(StrictMap(out))
            }
        }
        d.deserialize_map(Entries(PhantomData))
    }
}

impl<K: Ord + JsonSchema, V: JsonSchema> JsonSchema for StrictMap<K, V> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("Map_of_{}_by_{}", V::schema_name(), K::schema_name()).into()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let (key, value) = (generator.subschema_for::<K>(), generator.subschema_for::<V>());
        schemars::json_schema!({ "type": "object", "propertyNames": key, "additionalProperties": value })
    }
}

/// Declares a strict JSON record: `req` fields must be there, `opt` fields may be left out but are never null.
macro_rules! record {
    ($(#[$m:meta])* pub struct $name:ident { $($body:tt)* }) => {
        crate::strict::record!(@field [$(#[$m])*] $name [] [] $($body)*);
    };
    (@field [$($m:tt)*] $name:ident [$($out:tt)*] [$($known:ident)*] $(#[$f:meta])* req $field:ident: $t:ty, $($rest:tt)*) => {
        crate::strict::record!(@field [$($m)*] $name [$($out)* $(#[$f])* pub $field: $t,] [$($known)* $field] $($rest)*);
    };
    (@field [$($m:tt)*] $name:ident [$($out:tt)*] [$($known:ident)*] $(#[$f:meta])* opt $field:ident: $t:ty, $($rest:tt)*) => {
        crate::strict::record!(@field [$($m)*] $name [$($out)* $(#[$f])*
            #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "crate::strict::present")]
            pub $field: Option<$t>,] [$($known)* $field] $($rest)*);
    };
    (@field [$($m:tt)*] $name:ident [$($out:tt)*] [$($known:ident)*]) => {
        $($m)*
        #[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
        #[serde(deny_unknown_fields)]
        #[allow(unreachable_pub, reason = "some records are only the flat JSON form of another one")]
        pub struct $name { $($out)* }

        const _: () = {
            /// The same fields as serde reads them by itself.
            #[derive(serde::Deserialize)]
            #[serde(deny_unknown_fields, expecting = "an object")]
            #[allow(unreachable_pub, reason = "the fields are written as those of the record")]
            struct Fields { $($out)* }

            impl<'de> serde::Deserialize<'de> for $name {
                fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                    let Fields { $($known),* } = Fields::deserialize(crate::strict::ObjectOnly(d))?;
                    Ok(Self { $($known),* })
                }
            }
        };
    };
}
pub(crate) use record;

/// Declares a closed enumeration written as a lower-case word; a new word is a new format version.
macro_rules! word {
    ($(#[$m:meta])* pub enum $name:ident { $($(#[$v:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$m])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, schemars::JsonSchema)]
        pub enum $name { $($(#[$v])* #[serde(rename = $text)] $variant,)* }

        impl $name {
            /// Every word there is.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The word as it is written.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                crate::strict::read_word(d)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = crate::text::TextError;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($text => Ok(Self::$variant),)*
                    _ => Err(crate::text::TextError::UnknownWord { given: text.to_owned(), known: &[$($text),*] }),
                }
            }
        }
    };
}
pub(crate) use word;

/// Gives a type with `Display` and `FromStr` its JSON form: the same text, as a string. What is written all the time says
/// how to come to its text without `Display`.
macro_rules! text_form {
    ($name:ident, $pattern:expr) => {
        crate::strict::text_reading!($name, $pattern);

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        }
    };
    ($name:ident, $pattern:expr, $text:expr) => {
        crate::strict::text_reading!($name, $pattern);

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.serialize_str($text(self).as_str())
            }
        }
    };
}
pub(crate) use text_form;

/// Reads a type with `FromStr` as a JSON string that matches a pattern.
macro_rules! text_reading {
    ($name:ident, $pattern:expr) => {
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                struct Text;
                impl serde::de::Visitor<'_> for Text {
                    type Value = $name;
                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str(concat!("a string that is a ", stringify!($name)))
                    }
                    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<$name, E> {
                        text.parse().map_err(E::custom)
                    }
                }
                d.deserialize_str(Text)
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "pattern": $pattern })
            }
        }
    };
}
pub(crate) use text_reading;

/// Declares a text newtype: a private `String`, one constructor (`FromStr`) that runs `$check`, used by serde too.
macro_rules! text_type {
    ($(#[$m:meta])* pub struct $name:ident, $pattern:expr, $check:expr) => {
        $(#[$m])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// The text itself, in its one canonical form.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::str::FromStr for $name {
            type Err = crate::text::TextError;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let check: fn(&str) -> Result<(), crate::text::TextError> = $check;
                check(text)?;
                Ok(Self(text.to_owned()))
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        crate::strict::text_form!($name, $pattern);
    };
}
pub(crate) use text_type;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Digests;
    use crate::manifest::Kind;
    use crate::statement::Subject;

    #[test]
    fn t20_an_array_of_the_fields_is_no_record() {
        let digests = Digests::of(b"x");
        let (blake3, sha256) = (digests.blake3, digests.sha256);
        let read = |json: String| from_json::<Subject>(json.as_bytes(), 1000);
        let object = format!(r#"{{"blake3":"{blake3}","sha256":"{sha256}"}}"#);
        let array = format!(r#"["{blake3}","{sha256}"]"#);
        assert!(read(format!(r#"{{"name":"n","digest":{object}}}"#)).is_ok());
        assert!(read(format!(r#"{{"name":"n","digest":{array}}}"#)).is_err());
        assert!(read(format!(r#"["n",{object}]"#)).is_err());
    }

    #[test]
    fn t20_an_object_is_no_word() {
        assert!(serde_json::from_str::<Kind>(r#""build""#).is_ok());
        for wrong in [r#"{"build":null}"#, r#"["build"]"#, "0", r#""Build""#] {
            assert!(serde_json::from_str::<Kind>(wrong).is_err(), "{wrong}");
        }
    }
}
