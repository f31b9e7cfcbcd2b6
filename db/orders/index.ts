/** Orders: written in the sale, received from sites below, answered by the parent. */
export * from './book';
export * from './read';
