//! Proof that the model can fail: each of these breaks one rule, and the model must say which.
