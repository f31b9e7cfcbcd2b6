export { seededRandom } from '../../cli/simulation/random';
