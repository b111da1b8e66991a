# Builds bilipaste from the folder above, with nixpkgs:
#   nix-build -E 'with import <nixpkgs> {}; callPackage ./packaging/nix/package.nix {}'
# Nix says what vendorHash is once; it changes with go.sum.
{ lib, buildGoModule, version ? "0.0.0", vendorHash ? lib.fakeHash }:

buildGoModule {
  pname = "bilipaste";
  inherit version vendorHash;
  src = lib.cleanSource ../..;

  subPackages = [ "cmd/bilipaste" ];
  env.CGO_ENABLED = 0;
  ldflags = [ "-s" "-w" "-X main.version=${version}" ];
  doCheck = false; # the tests start desktops

  # SOURCE_DATE_EPOCH is the builder's.
  postInstall = ''
    patchShebangs packaging scripts
    packaging/share $out ${version}
  '';

  meta = {
    description = "Copy a picture, hear a ding, paste its link";
    license = lib.licenses.mit;
    mainProgram = "bilipaste";
    platforms = lib.platforms.linux;
  };
}
