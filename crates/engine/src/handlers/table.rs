//! The table: each command of the api and the function that answers it.

use api::commands::{Deed, Ledger};
use api::event::{EventSource, Subscribe};
use api::{ApiError, Call, Outcome, request as req, view};
use async_trait::async_trait;
use serde_json::Value;

use super::stream::Stream;
use super::{console, dns, history, host, ledger, member, notice, pool, provider, stat, switch};
use crate::host::Host;

#[async_trait]
impl api::Host for Host {
    async fn host_status(
        &self,
        _call: &Call,
        _request: req::HostStatusRequest,
    ) -> Result<view::host::HostStatus, ApiError> {
        Ok(host::status(self))
    }

    async fn console_id(
        &self,
        _call: &Call,
        _request: req::ConsoleIdRequest,
    ) -> Result<view::host::ConsoleCard, ApiError> {
        console::card(self)
    }

    async fn console_list(
        &self,
        _call: &Call,
        _request: req::ConsoleListRequest,
    ) -> Result<view::host::ConsoleList, ApiError> {
        Ok(console::list(&*self.inner()?))
    }

    async fn pool_list(
        &self,
        _call: &Call,
        _request: req::PoolListRequest,
    ) -> Result<view::pool::PoolList, ApiError> {
        Ok(pool::list(&*self.inner()?))
    }

    async fn pool_show(
        &self,
        _call: &Call,
        request: req::PoolShow,
    ) -> Result<view::pool::PoolView, ApiError> {
        pool::show(&*self.inner()?, &request)
    }

    async fn pool_status(
        &self,
        _call: &Call,
        request: req::PoolStatusRequest,
    ) -> Result<view::pool::PoolStatuses, ApiError> {
        pool::statuses(&*self.inner()?, &request).await
    }

    async fn pool_explain(
        &self,
        _call: &Call,
        request: req::PoolExplain,
    ) -> Result<view::explain::Explanation, ApiError> {
        pool::explain(&*self.inner()?, &request).await
    }

    async fn pool_what_if(
        &self,
        _call: &Call,
        request: req::PoolWhatIf,
    ) -> Result<view::explain::WhatIf, ApiError> {
        pool::what_if(&*self.inner()?, &request).await
    }

    async fn member_list(
        &self,
        _call: &Call,
        request: req::MemberListRequest,
    ) -> Result<view::member::MemberList, ApiError> {
        member::list(&*self.inner()?, &request).await
    }

    async fn member_show(
        &self,
        _call: &Call,
        request: req::MemberShow,
    ) -> Result<view::member::MemberView, ApiError> {
        member::show(&*self.inner()?, &request).await
    }

    async fn member_stat(
        &self,
        _call: &Call,
        request: req::MemberStat,
    ) -> Result<view::stat::StatView, ApiError> {
        stat::read(&*self.inner()?, &request).await
    }

    async fn provider_list(
        &self,
        _call: &Call,
        _request: req::ProviderListRequest,
    ) -> Result<view::provider::ProviderList, ApiError> {
        provider::list(&*self.inner()?)
    }

    async fn provider_test(
        &self,
        _call: &Call,
        request: req::ProviderTest,
    ) -> Result<view::provider::TestReport, ApiError> {
        provider::test(&*self.inner()?, &request).await
    }

    async fn dns_show(&self, _call: &Call, request: req::DnsShow) -> Result<view::dns::DnsView, ApiError> {
        dns::show(&*self.inner()?, &request).await
    }

    async fn incident_list(
        &self,
        _call: &Call,
        request: req::IncidentListRequest,
    ) -> Result<view::incident::IncidentList, ApiError> {
        history::list(&*self.inner()?, &request)
    }

    async fn incident_show(
        &self,
        _call: &Call,
        request: req::IncidentShow,
    ) -> Result<view::incident::IncidentView, ApiError> {
        history::show(&*self.inner()?, &request)
    }

    async fn notice_list(
        &self,
        _call: &Call,
        request: req::NoticeListRequest,
    ) -> Result<view::incident::NoticeList, ApiError> {
        notice::list(self, &request)
    }

    async fn notice_settings_show(
        &self,
        _call: &Call,
        _request: req::NoticeSettingsShow,
    ) -> Result<view::incident::NoticeSettings, ApiError> {
        notice::settings(self)
    }

    async fn audit_list(
        &self,
        _call: &Call,
        request: req::AuditListRequest,
    ) -> Result<view::incident::AuditList, ApiError> {
        history::audit(&*self.inner()?, &request)
    }

    async fn profile_init(
        &self,
        _call: &Call,
        request: req::ProfileInit,
    ) -> Result<Outcome<view::host::ConsoleCard>, ApiError> {
        host::init(self, &request)
    }

    async fn vault_unlock(
        &self,
        _call: &Call,
        request: req::VaultUnlock,
    ) -> Result<Outcome<view::host::VaultView>, ApiError> {
        host::unlock(self, &request)
    }

    async fn console_add(
        &self,
        _call: &Call,
        request: req::ConsoleAdd,
    ) -> Result<Outcome<view::host::PoolFile>, ApiError> {
        console::add(&self.inner()?, &request)
    }

    async fn fleet_join(
        &self,
        _call: &Call,
        request: req::FleetJoin,
    ) -> Result<Outcome<view::host::FleetJoined>, ApiError> {
        console::join(self, &request)
    }

    async fn pool_create(
        &self,
        _call: &Call,
        request: req::PoolCreate,
    ) -> Result<Outcome<view::pool::PoolView>, ApiError> {
        pool::create(&self.inner()?, &request)
    }

    async fn pool_update(
        &self,
        _call: &Call,
        request: req::PoolUpdate,
    ) -> Result<Outcome<view::pool::PoolView>, ApiError> {
        pool::update(&self.inner()?, &request)
    }

    async fn pool_remove(
        &self,
        _call: &Call,
        request: req::PoolRemove,
    ) -> Result<Outcome<view::Removed>, ApiError> {
        pool::remove(&self.inner()?, &request)
    }

    async fn member_enrol(
        &self,
        call: &Call,
        request: req::MemberEnrol,
    ) -> Result<Outcome<view::member::MemberView>, ApiError> {
        member::enrol(&self.inner()?, call, &request).await
    }

    async fn member_update(
        &self,
        _call: &Call,
        request: req::MemberUpdate,
    ) -> Result<Outcome<view::member::MemberView>, ApiError> {
        member::update(&self.inner()?, &request).await
    }

    async fn member_remove(
        &self,
        _call: &Call,
        request: req::MemberRemove,
    ) -> Result<Outcome<view::Removed>, ApiError> {
        member::remove(&self.inner()?, &request).await
    }

    async fn provider_add(
        &self,
        _call: &Call,
        request: req::ProviderAdd,
    ) -> Result<Outcome<view::provider::ProviderView>, ApiError> {
        provider::add(&self.inner()?, &request)
    }

    async fn provider_remove(
        &self,
        _call: &Call,
        request: req::ProviderRemove,
    ) -> Result<Outcome<view::Removed>, ApiError> {
        provider::remove(&self.inner()?, &request)
    }

    async fn dns_set(
        &self,
        _call: &Call,
        request: req::DnsSet,
    ) -> Result<Outcome<view::dns::DnsView>, ApiError> {
        dns::set(&self.inner()?, &request).await
    }

    async fn dns_adopt(
        &self,
        _call: &Call,
        request: req::DnsAdopt,
    ) -> Result<Outcome<view::dns::DnsView>, ApiError> {
        dns::adopt(&self.inner()?, &request).await
    }

    async fn dns_release(
        &self,
        _call: &Call,
        request: req::DnsRelease,
    ) -> Result<Outcome<view::dns::DnsView>, ApiError> {
        dns::release(&self.inner()?, &request).await
    }

    async fn dns_test(
        &self,
        _call: &Call,
        request: req::DnsTest,
    ) -> Result<Outcome<view::provider::TestReport>, ApiError> {
        dns::test(&self.inner()?, &request).await
    }

    async fn member_activate(
        &self,
        call: &Call,
        request: req::MemberActivate,
    ) -> Result<Outcome<view::pool::MoveView>, ApiError> {
        switch::activate(&self.inner()?, call, &request).await
    }

    async fn pool_cutover(
        &self,
        call: &Call,
        request: req::PoolCutover,
    ) -> Result<Outcome<view::pool::MoveView>, ApiError> {
        switch::cutover(&self.inner()?, call, &request).await
    }

    async fn pool_rehearse(
        &self,
        _call: &Call,
        request: req::PoolRehearse,
    ) -> Result<Outcome<view::pool::Rehearsal>, ApiError> {
        switch::rehearse(&self.inner()?, &request).await
    }

    async fn pool_arm(
        &self,
        _call: &Call,
        request: req::PoolArm,
    ) -> Result<Outcome<view::pool::PoolView>, ApiError> {
        switch::arm(&self.inner()?, &request)
    }

    async fn pool_disarm(
        &self,
        _call: &Call,
        request: req::PoolDisarm,
    ) -> Result<Outcome<view::pool::PoolView>, ApiError> {
        switch::disarm(&self.inner()?, &request)
    }

    async fn pool_pause(
        &self,
        call: &Call,
        request: req::PoolPause,
    ) -> Result<Outcome<view::pool::PoolView>, ApiError> {
        switch::pause(&self.inner()?, call, &request)
    }

    async fn pool_resume(
        &self,
        _call: &Call,
        request: req::PoolResume,
    ) -> Result<Outcome<view::pool::PoolView>, ApiError> {
        switch::resume(&self.inner()?, &request)
    }

    async fn pool_acknowledge(
        &self,
        call: &Call,
        request: req::PoolAcknowledge,
    ) -> Result<Outcome<view::pool::PoolStatus>, ApiError> {
        switch::acknowledge(&self.inner()?, call, &request).await
    }

    async fn drift_resolve(
        &self,
        call: &Call,
        request: req::DriftResolve,
    ) -> Result<Outcome<view::dns::DnsView>, ApiError> {
        switch::drift(&self.inner()?, call, &request).await
    }

    async fn notice_settings_set(
        &self,
        _call: &Call,
        request: req::NoticeSettingsSet,
    ) -> Result<Outcome<view::incident::NoticeSettings>, ApiError> {
        notice::set(self, &request)
    }

    async fn watch_pause(
        &self,
        _call: &Call,
        request: req::WatchPause,
    ) -> Result<Outcome<view::host::HostStatus>, ApiError> {
        switch::watch_pause(self, &request)
    }

    async fn watch_resume(
        &self,
        _call: &Call,
        request: req::WatchResume,
    ) -> Result<Outcome<view::host::HostStatus>, ApiError> {
        switch::watch_resume(self, &request)
    }

    async fn member_invite(
        &self,
        _call: &Call,
        request: req::MemberInvite,
    ) -> Result<Outcome<view::member::Invitation>, ApiError> {
        member::invite(&*self.inner()?, &request)
    }

    async fn subscribe(&self, request: Subscribe) -> Result<Box<dyn EventSource>, ApiError> {
        Ok(Box::new(Stream::new(self.shared(), self.events.subscribe(), request)))
    }

    async fn deed_begin(&self, deed: &Deed) -> Result<Ledger, ApiError> {
        ledger::begin(self, deed)
    }

    async fn deed_end(&self, deed: &Deed, result: Result<Option<&Value>, &ApiError>) -> Result<(), ApiError> {
        ledger::end(self, deed, result)
    }
}
