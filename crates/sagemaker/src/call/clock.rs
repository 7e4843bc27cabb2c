//! By how much the clocks of the hosts that are asked differ from ours.
//!
//! Owns the correction after a signature that came too early or too late. Each host has its own:
//! what one of them says never changes the time that another one's signatures bear.

use std::{
    sync::{PoisonError, RwLock},
    time::{Duration, SystemTime},
};

use http::{HeaderMap, uri::Authority};

use crate::reply::meta;

/// How many hosts are remembered; the oldest give way.
const MAX_HOSTS: usize = 64;

/// The largest difference that is believed. A signature is valid for minutes: what says more than
/// this is no clock that drifted.
const LARGEST: Duration = Duration::from_secs(366 * 86_400);

/// Milliseconds that a host's clock is ahead of ours.
#[derive(Debug, Default)]
pub(crate) struct Clocks(RwLock<Vec<(Authority, i64)>>);

impl Clocks {
    /// The time at a host when it is `now` here.
    pub(crate) fn at(&self, host: Option<&Authority>, now: SystemTime) -> SystemTime {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let Some((_, ahead)) = known.iter().find(|(known, _)| Some(known) == host) else { return now };
        let distance = Duration::from_millis(ahead.unsigned_abs());
        let corrected = if *ahead < 0 { now.checked_sub(distance) } else { now.checked_add(distance) };
        corrected.unwrap_or(now)
    }

    /// Takes the time that a host's reply bears.
    pub(crate) fn correct(&self, host: Option<&Authority>, headers: &HeaderMap, now: SystemTime) {
        let theirs = meta::text(headers, "date").and_then(|date| httpdate::parse_http_date(&date).ok());
        let (Some(host), Some(theirs)) = (host, theirs) else { return };
        let (distance, is_ahead) = match theirs.duration_since(now) {
            Ok(ahead) => (ahead, true),
            Err(behind) => (behind.duration(), false),
        };
        if distance > LARGEST {
            tracing::warn!(target: "sagewire::clock", %host, "the host's clock differs by more than a year; signing with this machine's time");
            return;
        }
        let millis = i64::try_from(distance.as_millis()).unwrap_or_default();
        let offset = if is_ahead { millis } else { -millis };
        tracing::warn!(target: "sagewire::clock", %host, offset_ms = offset, "this machine's clock is wrong; signing with the host's time");
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        known.retain(|(other, _)| other != host);
        if known.len() >= MAX_HOSTS {
            known.remove(0);
        }
        known.push((host.clone(), offset));
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use http::{HeaderValue, header};

    use super::*;

    fn dated(date: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(header::DATE, HeaderValue::from_static(date))])
    }

    #[test]
    fn each_host_has_a_clock_of_its_own_and_none_leads_years_away() {
        let noon = UNIX_EPOCH + Duration::from_secs(1_768_478_400);
        let hosts = ["a.example", "b.example:8080"].map(Authority::from_static);
        let clocks = Clocks::default();
        clocks.correct(Some(&hosts[0]), &dated("Thu, 15 Jan 2026 13:00:00 GMT"), noon);
        let at = |host| clocks.at(Some(host), noon);
        assert_eq!((at(&hosts[0]), at(&hosts[1])), (noon + Duration::from_secs(3600), noon));
        clocks.correct(Some(&hosts[1]), &dated("Fri, 01 Jan 1999 00:00:00 GMT"), noon);
        assert_eq!(at(&hosts[1]), noon);
        clocks.correct(Some(&hosts[0]), &dated("Thu, 15 Jan 2026 11:00:00 GMT"), noon);
        assert_eq!(clocks.at(Some(&hosts[0]), noon), noon - Duration::from_secs(3600));
    }

    #[test]
    fn the_oldest_hosts_give_way() {
        let clocks = Clocks::default();
        for number in 0..2 * MAX_HOSTS {
            let host: Authority = format!("h{number}").parse().unwrap();
            clocks.correct(
                Some(&host),
                &dated("Thu, 15 Jan 2026 13:00:00 GMT"),
                UNIX_EPOCH + Duration::from_secs(1_768_478_400),
            );
        }
        let known = clocks.0.read().unwrap();
        assert_eq!((known.len(), known[0].0.as_str()), (MAX_HOSTS, "h64"));
    }
}
