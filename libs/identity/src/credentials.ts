// The certificate, key and CA that a process shows and trusts. They are replaced while it runs: whoever uses them listens.
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { type Certificate, readCertificate } from './certificate.ts';

export interface Material {
  /** Whom to trust: the CA's certificate, PEM. */
  readonly ca: string;
  /** PEM. */
  readonly certificate: string;
  /** PKCS #8, PEM. */
  readonly key: string;
}

export class Credentials {
  #material: Material;
  readonly #listeners = new Set<(material: Material) => void>();

  /** @throws Error if key and certificate do not belong together, or the certificate has no role */
  constructor(material: Material) {
    this.#material = checked(material);
  }

  get material(): Material {
    return this.#material;
  }

  /** What the certificate says. */
  get certificate(): Certificate {
    return readCertificate(this.#material.certificate) as Certificate;
  }

  /** @throws Error as the constructor; what was stays then */
  replace(material: Material): void {
    this.#material = checked(material);
    for (const listener of this.#listeners) listener(material);
  }

  /** Calls back whenever they are replaced; returns what ends that. */
  onChange(listener: (material: Material) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

function checked(material: Material): Material {
  const certificate = new X509Certificate(material.certificate);
  if (!certificate.checkPrivateKey(createPrivateKey(material.key)))
    throw new Error('the key does not belong to the certificate');
  if (readCertificate(material.certificate) === undefined) throw new Error('the certificate names no role of weft');
  return material;
}
