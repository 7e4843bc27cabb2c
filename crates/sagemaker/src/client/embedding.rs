//! Embeddings: texts in batches that the container takes.

use std::sync::Arc;

use sagewire_dialects::{EmbeddingDialect, drop_named_of_embedding, embedding::EmbedContext};
use sagewire_types::{EmbedRequest, EmbedResponse, Error, Reply};

use super::{Begun, SageMaker};
use crate::{
    call::{batches, place::Place, route},
    checks,
    reply::usage,
    settings::defaults,
};

impl SageMaker {
    pub(super) async fn answer_embedding(
        &self,
        mut request: EmbedRequest,
        begun: &Begun<'_>,
    ) -> Result<Reply<EmbedResponse>, Error> {
        checks::embed(&mut request)?;
        let (model, in_openais_form) = route::embedding_model(&request.model);
        let prepared = self.prepare(&model, begun).await?;
        prepared.door.check_takes_more_than_chat("embeddings")?;
        let by_route = prepared.door.embeddings.or(in_openais_form.then_some(EmbeddingDialect::OpenAi));
        let setting = prepared.settings.embedding_dialect.or(by_route);
        let family = route::embeddings(setting, &prepared.model)?;
        let hf_name: Option<Arc<str>> = match prepared.settings.hf_model_name.as_deref() {
            _ if prepared.door.keeps_body_model => Some(prepared.door.body_model(prepared.model.name()).into()),
            name => name.map(Arc::from),
        };
        defaults::fill_embedding(&mut request, prepared.settings.defaults.as_deref())?;
        if let Some(policy) = &prepared.settings.parameters {
            drop_named_of_embedding(&mut request, policy);
            if policy.drop_params && !family.takes_parameters() {
                request.extra.clear();
            }
        }
        let (prepared, hf_name) = (&prepared, &hf_name);
        let asked = family.batch(prepared.settings.embedding_batch_size);
        let at_once = asked.into_iter().chain(self.shared.batch_limits.about(prepared)).min();
        let concurrency = prepared.settings.embedding_concurrency.unwrap_or(batches::CONCURRENT_BATCHES);
        let learn = |limit| self.shared.batch_limits.remember(Place::of(prepared), limit);
        batches::in_fitting_batches(&request, at_once, concurrency, learn, |request| async move {
            let mut embedding = EmbedContext::new(prepared.model.name(), &request);
            // LiteLLM names no model on this route: a container refuses a name that is not its own.
            if in_openais_form || hf_name.is_some() {
                embedding.body_model.clone_from(hf_name);
            }
            let payload = family.encode(&request, &embedding)?;
            let (body, meta) = prepared.invoke(&self.shared, begun.context, payload).await?;
            let mut value = family.decode(&body, &embedding).map_err(|error| checks::answered(error, &meta))?;
            usage::fill_in_embeddings(&mut value, &request.input).await;
            Ok(Reply { value, meta })
        })
        .await
    }
}
