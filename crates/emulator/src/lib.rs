#![cfg_attr(feature = "faults", doc = include_str!("../README.md"))]
#![cfg_attr(
    not(feature = "faults"),
    doc = "Emulates Amazon SageMaker Runtime, for tests and demonstrations without an AWS account."
)]

mod account;
mod aws_error;
#[cfg_attr(not(feature = "faults"), expect(dead_code, reason = "only scripts and faults break an answer off"))]
mod body;
mod builder;
mod clock;
mod connection;
mod constraints;
mod container;
#[cfg(feature = "faults")]
mod control;
mod control_plane;
mod emulator;
mod error;
#[cfg(feature = "faults")]
mod fault;
mod form;
mod frame;
mod health;
#[cfg(feature = "identity")]
mod identity;
mod keys;
mod listener;
mod object_store;
mod operation;
mod patience;
#[cfg(feature = "faults")]
mod prepared;
#[cfg(not(feature = "faults"))]
#[path = "prepared/nothing.rs"]
mod prepared;
mod received;
mod route;
mod runtime;
#[cfg(feature = "faults")]
mod scripted;
mod server;
mod signature;
#[cfg_attr(not(feature = "faults"), expect(dead_code, reason = "only scripts and faults end a connection badly"))]
mod socket;
mod state;
mod xml;

#[cfg(feature = "identity")]
pub use self::identity::{ContainerCredentials, InstanceMetadata, IssuedSession, Role, Sso};
pub use self::{
    account::{Account, AccountError},
    aws_error::AwsError,
    builder::EmulatorBuilder,
    clock::{Clock, LONGEST_WAIT},
    connection::Connection,
    container::{
        Agent, CohereRerank, Container, ContainerReply, Echo, Embedding, Fixed, Invocation, Lmi, Messages, Omni,
        PartError, PartStream, Parts, Pooling, ReplyBody, Rerank, SpeechRecognition, Tgi, Toolkit, Transcription,
    },
    emulator::Emulator,
    error::EmulatorError,
    frame::{Frame, FrameValue},
    keys::{EXAMPLE_ACCESS_KEY_ID, EXAMPLE_SECRET_ACCESS_KEY},
    object_store::ObjectStore,
    operation::Operation,
    received::Received,
};
#[cfg(feature = "faults")]
pub use self::{
    fault::{Chaos, Fault, FaultName, FaultNameError},
    scripted::{Scripted, StreamEvent},
};
