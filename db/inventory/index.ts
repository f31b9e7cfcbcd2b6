/** Stock at a site: the ledger and its balances, the pool, transfers. */
export * from './borrowings';
export * from './demand';
export * from './ledger';
export * from './movements';
export * from './pool';
export * from './replenishments';
export * from './thresholds';
export * from './transfers';
export * from './updates';
export * from './voids';
export * from './withdraw';
