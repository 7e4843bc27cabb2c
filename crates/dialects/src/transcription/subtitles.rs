//! Subtitles: SRT and VTT, written from texts with times.
//!
//! <https://developer.mozilla.org/docs/Web/API/WebVTT_API>

use std::fmt::Write as _;

use sagewire_types::{Error, ErrorKind};

use crate::failure_report as failure;

/// A text, and the seconds from and until which it is spoken.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cue<'a> {
    pub(super) start: f64,
    pub(super) end: f64,
    pub(super) text: &'a str,
}

/// The subtitles in the format `srt` or `vtt`, and their type.
///
/// # Errors
/// `Unsupported` if there are no cues.
pub(super) fn written<'a>(
    format: &str,
    cues: impl IntoIterator<Item = Cue<'a>>,
) -> Result<(String, &'static str), Error> {
    let is_vtt = format == "vtt";
    let before_thousandths = if is_vtt { '.' } else { ',' };
    let mut body = if is_vtt { "WEBVTT\n\n".to_owned() } else { String::new() };
    let mut written = 0;
    for Cue { start, end, text } in cues {
        written += 1;
        if !is_vtt {
            // Writing to a String cannot fail.
            let _ = writeln!(body, "{written}");
        }
        let (start, end) = (time(start, before_thousandths), time(end, before_thousandths));
        let _ = write!(body, "{start} --> {end}\n{}\n\n", text.trim());
    }
    if written == 0 {
        return Err(no_times(format));
    }
    Ok((body, if is_vtt { "text/vtt; charset=utf-8" } else { "text/plain; charset=utf-8" }))
}

/// The error for a format that needs times, which the container does not give.
pub(super) fn no_times(format: &str) -> Error {
    let format = failure::excerpt(format);
    let message =
        format!("`response_format: {format}` needs times, which the container does not give: use `json` or `text`");
    Error::new(ErrorKind::Unsupported, message).with_param("response_format")
}

/// `00:01:02,345`
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a time that is out of range becomes the nearest"
)]
fn time(seconds: f64, before_thousandths: char) -> String {
    let thousandths = (seconds * 1000.0).round() as u64;
    let (seconds, rest) = (thousandths / 1000, thousandths % 1000);
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{hours:02}:{minutes:02}:{seconds:02}{before_thousandths}{rest:03}")
}
