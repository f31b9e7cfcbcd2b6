/** A site's context where there is no process around it: for measurements and tests. */
import { type Random } from '../domain/runtime';
import { BuyersUnderWay } from './buyers';
import { type SiteContext } from './context';
import { unobserved } from './observation';

/** No Temporal, no folder, nobody who watches or is told; whoever needs one of these puts it in its place. */
export function withoutProcess(
  site: string,
  random: Random,
): Omit<SiteContext, 'stores' | 'db' | 'runtime' | 'transport'> {
  return {
    site,
    ...unobserved(random),
    documentsDir: '',
    url: `http://${site}.example`,
    temporalUi: { url: 'http://temporal.example', namespace: 'default' },
    temporalReach: async () => ({ reached: false, reason: 'there is none here' }),
    sealedDocuments: async () => null,
    outboxHasWork: () => undefined,
    buyers: new BuyersUnderWay(),
    archiveDocument: null,
  };
}
