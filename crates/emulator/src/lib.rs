#![doc = include_str!("../README.md")]

mod account;
mod aws_error;
mod body;
mod builder;
mod clock;
mod connection;
mod constraints;
mod container;
mod control;
mod control_plane;
mod emulator;
mod error;
mod fault;
mod form;
mod frame;
mod identity;
mod keys;
mod listener;
mod object_store;
mod operation;
mod prepared;
mod received;
mod route;
mod runtime;
mod scripted;
mod server;
mod signature;
mod socket;
mod state;
mod xml;

pub use self::{
    account::{Account, AccountError},
    aws_error::AwsError,
    builder::EmulatorBuilder,
    clock::Clock,
    connection::Connection,
    container::{
        Agent, Container, ContainerReply, Echo, Embedding, Fixed, Invocation, Lmi, Messages, PartError, PartStream,
        Parts, ReplyBody, Rerank, Tgi, Toolkit,
    },
    emulator::Emulator,
    error::EmulatorError,
    fault::{Chaos, Fault, FaultNameError},
    frame::{Frame, FrameValue},
    identity::{ContainerCredentials, InstanceMetadata, IssuedSession, Role, Sso},
    keys::{EXAMPLE_ACCESS_KEY_ID, EXAMPLE_SECRET_ACCESS_KEY},
    object_store::ObjectStore,
    operation::Operation,
    received::Received,
    scripted::{Scripted, StreamEvent},
};
