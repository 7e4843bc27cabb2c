//! `temperature` and `top_p` of text containers, which refuse some values that OpenAI takes.

use sagewire_types::ChatRequest;

use super::inputs::Parameters;
use crate::EncodeContext;

impl Parameters {
    /// `top_p`, but for 1 and more: containers of this family refuse it, and it means the same as
    /// no limit at all.
    pub(crate) fn set_top_p(&mut self, request: &ChatRequest) {
        if let Some(top_p) = request.top_p.filter(|top_p| *top_p < 1.0) {
            self.set("top_p", top_p);
        }
    }

    /// `temperature`, the one of 0 as the operator wants it.
    pub(crate) fn set_temperature(&mut self, request: &ChatRequest, context: &EncodeContext<'_>) {
        if let Some(temperature) = request.temperature {
            let zero = context.zero_temperature.filter(|_| temperature == 0.0);
            self.set("temperature", zero.unwrap_or(temperature));
        }
    }
}
