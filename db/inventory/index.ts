/** Stock at a site: the ledger and its balances, the pool, transfers. */
export * from './ledger';
export * from './pool';
export * from './transfers';
export * from './withdraw';
