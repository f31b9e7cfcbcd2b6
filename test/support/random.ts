export { seededRandom } from '../../cli/random';
