//! Nothing secret is printed, logged, told in an error or sent in a body.
