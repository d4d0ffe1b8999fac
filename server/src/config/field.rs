//! Fields of the settings as values of keys, both ways.
//!
//! Invariant: what is read out of a field can be put into it again. Knows nothing about keys.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use shoseki_engine::types::Origin;

use super::settings::{ClientAuth, Profile};
use super::value::Value;
use crate::identity::Role;

/// A field that a key stands for.
pub(super) trait Field: Sized {
    /// Its value; `None` where it is not set.
    fn value(&self) -> Option<Value>;
    /// A field of this value; `None` where the value is of another kind.
    fn of(value: Value) -> Option<Self>;
}

impl<T: Field> Field for Option<T> {
    fn value(&self) -> Option<Value> {
        self.as_ref()?.value()
    }

    fn of(value: Value) -> Option<Self> {
        T::of(value).map(Some)
    }
}

macro_rules! field_as {
    ($($variant:ident $of:ty;)+) => {$(
        impl Field for $of {
            fn value(&self) -> Option<Value> {
                Some(Value::$variant(self.clone()))
            }

            fn of(value: Value) -> Option<Self> {
                match value {
                    Value::$variant(it) => Some(it),
                    _ => None,
                }
            }
        }
    )+};
}

field_as! {
    Text String;
    Path PathBuf;
    Flag bool;
    Time Duration;
    Address SocketAddr;
    Networks Vec<IpNet>;
    Texts Vec<String>;
}

macro_rules! field_number {
    ($($of:ty)+) => {$(
        impl Field for $of {
            fn value(&self) -> Option<Value> {
                Some(Value::Number(u64::try_from(*self).ok()?))
            }

            fn of(value: Value) -> Option<Self> {
                match value {
                    Value::Number(number) => Self::try_from(number).ok(),
                    _ => None,
                }
            }
        }
    )+};
}

field_number!(u64 usize u32 i32);

macro_rules! field_named {
    ($($of:ty: $parse:expr, $name:expr;)+) => {$(
        impl Field for $of {
            fn value(&self) -> Option<Value> {
                Some(Value::Text($name(self)))
            }

            fn of(value: Value) -> Option<Self> {
                match value {
                    Value::Text(text) => $parse(text.as_str()),
                    _ => None,
                }
            }
        }
    )+};
}

field_named! {
    Profile: Profile::parse, |it: &Profile| it.as_str().to_owned();
    ClientAuth: ClientAuth::parse, |it: &ClientAuth| it.as_str().to_owned();
    Origin: |text| Origin::new(text).ok(), Origin::to_string;
}

/// Networks of one role: none set is from everywhere.
pub(super) fn networks(of: &BTreeMap<Role, Vec<IpNet>>, role: Role) -> Option<Value> {
    of.get(&role).cloned().map(Value::Networks)
}

/// Sets the networks of one role.
pub(super) fn set_networks(of: &mut BTreeMap<Role, Vec<IpNet>>, role: Role, value: Value) -> bool {
    Vec::of(value).map(|networks| of.insert(role, networks)).is_some()
}

/// Puts a value into a field; whether it was of its kind.
pub(super) fn set<T: Field>(field: &mut T, value: Value) -> bool {
    T::of(value).map(|new| *field = new).is_some()
}
