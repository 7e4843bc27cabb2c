//! The setters of optional fields.
//!
//! Owns the one form that they have: `with_<field>`, which takes the value and gives the request
//! back.

/// Writes the setters: their documentation, name, field and the type that they take.
macro_rules! setters {
    ($($(#[$attribute:meta])* $setter:ident($field:ident: $value:ty);)*) => {
        $(
            $(#[$attribute])*
            #[must_use]
            pub fn $setter(mut self, $field: $value) -> Self {
                self.$field = Some($field.into());
                self
            }
        )*
    };
}

pub(crate) use setters;
