/** For bundling a workflow, which else tells each step of it. */
export const QUIET = { log() {}, trace() {}, debug() {}, info() {}, warn() {}, error() {} };
