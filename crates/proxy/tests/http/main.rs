//! The proxy over real HTTP, in front of a provider that does as it is told.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may stop at the first surprise")]

mod auth;
mod budgets;
mod chat;
mod client;
mod disclosure;
mod double;
mod embeddings;
mod every_route;
mod flow_control;
mod half_closed;
mod health;
mod hostile;
mod limits;
mod logs;
mod messages;
mod models;
mod responses;
mod routes;
mod server;
mod streams;
mod tls;
mod ui;
