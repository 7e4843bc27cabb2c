//! What a setting selects by its name.
//!
//! Owns the form of such a table: each row is a name and what it stands for, so that neither can be
//! there without the other.

/// Defines the names of a setting: its documentation, the type, the trait of what the names stand
/// for, the setting, and the rows.
macro_rules! named {
    (
        $(#[$attribute:meta])*
        $names:ident: $kind:ident, set by $setting:literal {
            $($(#[$meaning:meta])* $name:ident => $implementation:expr,)*
        }
    ) => {
        $(#[$attribute])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $names {
            $($(#[$meaning])* $name,)*
        }

        impl $names {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// What it stands for.
            #[must_use]
            pub fn implementation(self) -> &'static dyn $kind {
                match self {
                    $(Self::$name => &$implementation,)*
                }
            }

            /// The name in a configuration.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                self.implementation().name()
            }

            /// The names of all of them.
            #[must_use]
            pub fn names() -> Vec<&'static str> {
                Self::ALL.iter().map(|name| name.as_str()).collect()
            }
        }

        impl fmt::Display for $names {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $names {
            type Err = Error;

            /// # Errors
            /// `Configuration` for a name that none of them has.
            fn from_str(text: &str) -> Result<Self, Error> {
                Self::ALL.iter().find(|name| name.as_str() == text).copied().ok_or_else(|| {
                    let known = Self::names().join("`, `");
                    let message = format!("unknown `{}` `{text}`: expected one of `{known}`", $setting);
                    Error::new(ErrorKind::Configuration, message).with_param($setting)
                })
            }
        }
    };
}

pub(crate) use named;
