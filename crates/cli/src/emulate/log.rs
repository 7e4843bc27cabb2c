//! A line for each request that the emulator receives.

use sagewire_emulator::Received;

use crate::terminal::harmless;

/// The longest part of a body that is shown, in characters.
const MOST_OF_A_BODY: usize = 2_000;

/// Method, path, operation, outcome and size of a request, and its body if `bodies` is true.
/// Headers are left out, since they contain signatures and tokens.
pub(super) fn line(request: &Received, bodies: bool) -> String {
    let outcome = match (&request.refused, &request.fault) {
        (Some(error), _) => format!("refused: {}", error.code()),
        (None, Some(fault)) => format!("fault: {fault}"),
        (None, None) => "accepted".to_owned(),
    };
    let bytes = request.body.len();
    let mut line = format!("{} {} {}: {outcome}, {bytes} bytes", request.method, request.path, request.operation);
    if bodies && bytes > 0 {
        let body = String::from_utf8_lossy(&request.body);
        line.push('\n');
        line.extend(body.chars().take(MOST_OF_A_BODY));
    }
    harmless(&line).to_string()
}
