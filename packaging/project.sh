# Who publishes bilipaste, and where: what every package says of it. Sourced by
# scripts/release; the environment wins, so that a fork's releases can name the fork.

# The page of the project: a repository on GitHub, Forgejo or Gitea, whose releases
# are at $homepage/releases. Without one the packages name no page, no Scoop and
# winget manifests are made, and "bilipaste version --check" says that it cannot know.
homepage=${BILIPASTE_HOMEPAGE:-}

# "Name <address>" of who answers for the packages.
maintainer=${BILIPASTE_MAINTAINER:-bilipaste <bilipaste@localhost>}

# The project's name in AppStream, by a domain that its publisher has.
appid=${BILIPASTE_APPID:-internal.bilipaste.bilipaste}
