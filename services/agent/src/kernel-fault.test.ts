import { fault, Reason } from '@weft/fault';
import { ERRNO, KernelError } from '@weft/kernel';
import { describe, expect, it } from 'vitest';
import { faultOf } from './kernel-fault.ts';
import { filePath, interfaceName, namespacePath } from './names.ts';
import { rulesetText, sets } from './ruleset.ts';

const error = (name: keyof typeof ERRNO, text = 'text') =>
  new KernelError('do it', ERRNO[name], text, 'the kernel says so');

describe('kernel faults', () => {
  it.each<[keyof typeof ERRNO, Reason]>([
    ['EXFULL', Reason.BRIDGE_FULL],
    ['ENOSPC', Reason.KERNEL_LIMIT],
    ['EMFILE', Reason.KERNEL_LIMIT],
    ['ENOBUFS', Reason.KERNEL_LIMIT],
    ['EINVAL', Reason.KERNEL_REFUSED],
  ])('%s', (name, reason) =>
    expect(faultOf('veth/x', error(name), () => [])).toMatchObject({ reason, metadata: { errno: name } }),
  );

  it('keep the kernel’s words, and say which object', () =>
    expect(faultOf('veth/x', error('EINVAL', 'Invalid argument')).message).toBe(
      'veth/x: do it: Invalid argument (EINVAL): the kernel says so',
    ));

  it('name the capability that lacks', () => {
    const found = faultOf('veth/x', error('EPERM', 'Operation not permitted'), () => ['CAP_NET_ADMIN']);
    expect(found).toMatchObject({ reason: Reason.PERMISSION_LACKING, metadata: { capability: 'CAP_NET_ADMIN' } });
    expect(found.message).toMatch(/the agent lacks CAP_NET_ADMIN$/);
    expect(faultOf('veth/x', error('EPERM'), () => []).reason).toBe(Reason.KERNEL_REFUSED);
  });

  it('keep a reason that was found already, blame the object for texts that do not parse, and weft for the rest', () => {
    expect(faultOf('x', fault(Reason.NOT_A_BRIDGE, 'no')).reason).toBe(Reason.NOT_A_BRIDGE);
    expect(faultOf('x', new TypeError('not a prefix')).reason).toBe(Reason.OBJECT_REFUSED);
    expect(faultOf('x', new RangeError('defect')).reason).toBe(Reason.INTERNAL);
  });
});

describe('names', () => {
  it('stay inside the run directory', () => {
    const id = 'ab'.repeat(32);
    expect(namespacePath('/run/weft', id)).toBe('/run/weft/netns/abababababab');
    expect(filePath('/run/weft', id, 'hosts')).toBe('/run/weft/sandboxes/abababababab/hosts');
    for (const bad of ['', '..', '../../etc', 'ABCDEFABCDEF', '/abcdefabcdef']) {
      expect(() => namespacePath('/run/weft', bad)).toThrow(/is not the id of a sandbox/);
    }
    expect(() => filePath('/run/weft', id, 'passwd')).toThrow(/is not a file of a sandbox/);
    for (const bad of ['', '.', '..', 'a/b', 'a b', 'sixteen-letters!', 'ünïcödé-ünïc', 'a:b']) {
      expect(() => interfaceName(bad)).toThrow(/is not an interface name/);
    }
    expect(interfaceName('br-0123456789ab')).toBe('br-0123456789ab');
  });
});

describe('the rule set', () => {
  it('declares every set that elements may go into, and uses each', () => {
    for (const name of sets.keys()) {
      expect(rulesetText).toMatch(new RegExp(`(set|map) ${name} \\{`));
      expect(rulesetText).toContain(`@${name}`);
    }
  });
});
