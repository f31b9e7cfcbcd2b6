/** Signals, updates and queries by the names that `domain/workflow-inputs` gives them. */
import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import { type OrderAnswer } from '../domain/orders';
import { type Topology } from '../domain/sites';
import { type Registration } from '../domain/topology';
import * as names from '../domain/workflow-inputs';

export const statusQuery = defineQuery<{ state: string; details: string }>(names.STATUS_QUERY);
export const topologyQuery = defineQuery<Topology>(names.TOPOLOGY_QUERY);

export const topologyChanged = defineSignal<[Topology]>(names.TOPOLOGY_CHANGED);
/** A workflow's id and the version of the topology that it knows. */
export const subscribe = defineSignal<[string, number]>(names.SUBSCRIBE);
export const unsubscribe = defineSignal<[string]>(names.UNSUBSCRIBE);
export const registerSite = defineUpdate<Topology, [Registration]>(names.REGISTER_SITE);

export const deliverRevision = defineSignal<[names.WantedRevision]>(names.DELIVER_REVISION);
export const siteReported = defineSignal<[names.SiteReport]>(names.SITE_REPORTED);
export const orderAnswered = defineSignal<[OrderAnswer]>(names.ORDER_ANSWERED);
export const short = defineSignal(names.SHORT);
