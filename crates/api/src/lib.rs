#![doc = include_str!("../README.md")]

pub mod messages;
pub mod responses;

mod blocks;
mod conversation;
mod effort;
mod extra;
mod thoughts;
