/** What `entrepot demo --sabotage` can break; each must be found by the check. */
export const SABOTAGES = ['lost-order', 'oversell', 'stale-catalogue'] as const;
export type SabotageKind = (typeof SABOTAGES)[number];
