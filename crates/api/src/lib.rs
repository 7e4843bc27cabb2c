#![doc = include_str!("../README.md")]

pub mod messages;

mod blocks;
mod conversation;
mod thoughts;
