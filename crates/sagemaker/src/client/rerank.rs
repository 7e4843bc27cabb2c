//! Reranking: documents in batches that the container takes, joined and sorted again.

use std::sync::Arc;

use sagewire_dialects::rerank::RerankContext;
use sagewire_types::{Error, Reply, RerankRequest, RerankResponse};

use super::{Begun, SageMaker};
use crate::{
    call::{batches, place::Place, route},
    checks,
    settings::defaults,
};

impl SageMaker {
    pub(super) async fn answer_rerank(
        &self,
        mut request: RerankRequest,
        begun: &Begun<'_>,
    ) -> Result<Reply<RerankResponse>, Error> {
        checks::rerank(&mut request)?;
        let prepared = self.prepare(&request.model, begun).await?;
        let family = route::rerank(&prepared.settings, &prepared.model)?.implementation();
        defaults::fill_rerank(&mut request, prepared.settings.defaults.as_deref());
        let policy = prepared.settings.parameters.as_ref();
        for name in policy.iter().flat_map(|policy| &policy.additional_drop_params) {
            request.extra.shift_remove(name);
        }
        let hf_name: Option<Arc<str>> = prepared.settings.hf_model_name.as_deref().map(Arc::from);
        let (prepared, hf_name) = (&prepared, &hf_name);
        let asked = prepared.settings.rerank_batch_size.or(family.max_batch());
        let at_once = asked.into_iter().chain(self.shared.batch_limits.about(prepared)).min();
        let learn = |limit| self.shared.batch_limits.remember(Place::of(prepared), limit);
        batches::in_fitting_batches(&request, at_once, batches::CONCURRENT_BATCHES, learn, |request| async move {
            let mut ranking = RerankContext::new(prepared.model.name(), &request);
            ranking.body_model.clone_from(hf_name);
            ranking.drops_parameters = policy.is_some_and(|policy| policy.drop_params);
            let payload = family.encode(&request, &ranking)?;
            let (body, meta) = prepared.invoke(&self.shared, begun.context, payload).await?;
            let value = family.decode(&body, &ranking).map_err(|error| checks::answered(error, &meta))?;
            Ok(Reply { value, meta })
        })
        .await
    }
}
