/** What an operator may set of the stock policy, with the values that held over every period tried (decisions 35, 52, 56). */

export interface DemandParameters {
  /** Days after which a line counts 1/e: longer is steadier, shorter follows the season sooner. */
  readonly memoryDays: number;
  /** Lines of the whole store that an item's line sizes are mixed with, so that a few sales don't decide. */
  readonly sizePriorLines: number;
  /** Lines of the store's average that an item's split over the sites is mixed with; of larger lines fewer. */
  readonly sitePriorLines: number;
  /** Lines that every item is taken to have sold, so that a new one is not without demand. */
  readonly newItemLines: number;
}

export interface PolicyParameters {
  readonly demand: DemandParameters;
  /** Days that a grant is to last: what a site sells in this time is kept out of what covers the next line. */
  readonly horizonDays: number;
  /** Chance of being short within the horizon below which no site is given more. */
  readonly valueFloor: number;
  /** The part of the links that is taken to be cut at any time: how much of what sites hold can't be borrowed. */
  readonly cutShare: number;
  /** How much a line that all reachable stock would not cover weighs for the pool, against one at a site for it. */
  readonly poolReachWeight: number;
  /** How much a line that the pool alone would not cover weighs: each asked giver is two messages more. */
  readonly poolCoverWeight: number;
}

export const DEMAND_DEFAULTS: DemandParameters = {
  memoryDays: 200,
  sizePriorLines: 5,
  sitePriorLines: 6,
  newItemLines: 0.1,
};

export const POLICY_DEFAULTS: PolicyParameters = {
  demand: DEMAND_DEFAULTS,
  horizonDays: 2,
  valueFloor: 0.00001,
  cutShare: 0.2,
  poolReachWeight: 0.8,
  poolCoverWeight: 0.1,
};
