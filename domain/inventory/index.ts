/** Stock: rights, and the policy that moves them, pure functions of levels, demand, parameters and time. */
export * from './balance';
export * from './borrowing';
export * from './central';
export * from './counting';
export * from './demand';
export * from './loan';
export * from './parameters';
export * from './replenishment';
export * from './rights';
export * from './sharing';
export * from './stock';
export * from './thresholds';
export * from './update';
export * from './value';
