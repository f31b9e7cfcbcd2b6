/** Search attributes, all Keyword (design, section 4). */
import { SearchAttributeType, type SearchAttributePair, defineSearchAttributeKey } from '@temporalio/common';

export const STORE_ATTRIBUTE = defineSearchAttributeKey('EntrepotStore', SearchAttributeType.KEYWORD);
export const SITE_ATTRIBUTE = defineSearchAttributeKey('EntrepotSite', SearchAttributeType.KEYWORD);
export const STATE_ATTRIBUTE = defineSearchAttributeKey('EntrepotState', SearchAttributeType.KEYWORD);
export const DOCUMENT_ATTRIBUTE = defineSearchAttributeKey('EntrepotDocument', SearchAttributeType.KEYWORD);

/** The state of a workflow that is neither held nor parked. */
export const RUNNING = 'running';

/** What a workflow is started with; it keeps `EntrepotState` up to date itself. */
export function startAttributes(about: { store: string; site?: string; document?: string }): SearchAttributePair[] {
  return [
    { key: STORE_ATTRIBUTE, value: about.store },
    { key: STATE_ATTRIBUTE, value: RUNNING },
    ...(about.site === undefined ? [] : [{ key: SITE_ATTRIBUTE, value: about.site }]),
    ...(about.document === undefined ? [] : [{ key: DOCUMENT_ATTRIBUTE, value: about.document }]),
  ];
}
