// Ports of the host that lead to sandboxes: held by a bound socket, directed by a map element.
import { fault, Reason } from '@weft/fault';
import { oneByOne } from './kind.ts';

export const port = oneByOne('port', {
  plan() {
    throw fault(Reason.NOT_IMPLEMENTED, 'publishing ports is not there yet');
  },
  remove() {},
});
